import { createHash, createPrivateKey, generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { ensureSealing, type Keyring, sealingKey } from './keyring.ts'
import { seal } from './seal.ts'
import { placeOfSigningKey } from './signing-place.ts'

const pair = promisify(generateKeyPair)

/** RS256 is what every cloud verifies. */
const BITS = 2048
/** A key is published this long before it signs: those who verify keep what they have read for a while. */
const PUBLISHED_BEFORE = sql`interval '1 hour'`
const LIVES = sql`interval '30 days'`
/** How long after its successor began to sign a key is still published; no token lives as long. */
const PUBLISHED_AFTER = sql`interval '1 day'`

/** A public key as it is published (RFC 7517). */
export type PublishedKey = Readonly<Record<string, string>>

/** Make the next key where the newest has lived, and drop those that nothing valid was signed with. The first is made when it is needed. */
export async function renewSigningKeys(db: Db, keys: Keyring): Promise<void> {
  await db.transaction().execute(async (trx) => {
    if (await isDue(trx)) await makeAlone(trx, { keys, where: isDue })
  })
  await sql`
    delete from signing_keys old where exists (
      select from signing_keys next where next.id > old.id
        and next.created_at < now() - ${PUBLISHED_BEFORE} - ${PUBLISHED_AFTER})`.execute(db)
}

async function isDue(db: Trx): Promise<boolean> {
  const { rows } = await sql<{ due: boolean }>`
    select coalesce(max(created_at) < now() - ${LIVES}, false) as due from signing_keys`.execute(db)
  return rows[0]?.due ?? false
}

async function isNone(db: Trx): Promise<boolean> {
  return !(await db.selectFrom('signing_keys').select('id').limit(1).executeTakeFirst())
}

type Alone = { readonly keys: Keyring; readonly where: (db: Trx) => Promise<boolean> }

/** One server makes a key; who waited for it looks again. */
async function makeAlone(db: Trx, { keys, where }: Alone): Promise<void> {
  await ensureSealing(db, keys)
  await db.selectFrom('sealing_key').select('mark').forUpdate().execute()
  if (await where(db)) await makeKey(db, keys)
}

async function makeKey(db: Trx, keys: Keyring): Promise<void> {
  const { publicKey, privateKey } = await pair('rsa', { modulusLength: BITS })
  const jwk = publicKey.export({ format: 'jwk' })
  const kid = thumbprint(jwk)
  const text = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const { wrapping } = await sealingKey(db, keys)
  const published: PublishedKey = {
    ...{ kty: 'RSA', n: jwk.n ?? '', e: jwk.e ?? '' },
    ...{ kid, use: 'sig', alg: 'RS256' },
  }
  await db
    .insertInto('signing_keys')
    .values({ kid, public_key: toJson(published), sealed: seal(text, placeOfSigningKey({ kid }), wrapping) })
    .execute()
}

/** RFC 7638. */
const thumbprint = ({ e, n }: JsonWebKey) =>
  createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('base64url')

/** The newest key that has been published for a while, else the oldest; the very first is made now. @throws {Unsealable} */
export async function signingKey(db: Trx, keys: Keyring): Promise<{ kid: string; key: KeyObject }> {
  if (await isNone(db)) await makeAlone(db, { keys, where: isNone })
  const row = await db
    .selectFrom('signing_keys')
    .select(['kid', 'sealed'])
    .orderBy(sql`created_at < now() - ${PUBLISHED_BEFORE}`, 'desc')
    .orderBy(sql`case when created_at < now() - ${PUBLISHED_BEFORE} then -id else id end`)
    .limit(1)
    .executeTakeFirstOrThrow()
  return { kid: row.kid, key: createPrivateKey(await keys.unseal(row.sealed, placeOfSigningKey(row))) }
}

export async function publishedKeys(db: Db): Promise<PublishedKey[]> {
  const rows = await db.selectFrom('signing_keys').select('public_key').orderBy('id').execute()
  return rows.map(({ public_key }) => public_key)
}
