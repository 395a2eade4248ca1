import { randomUUID, sign } from 'node:crypto'
import { sql } from 'kysely'
import type { Trx } from '../db/connect.ts'
import type { Keyring } from './keyring.ts'
import { signingKey } from './signing-keys.ts'

/** What a token says of the run that shows it. */
export type Passport = {
  readonly project: string
  readonly organization: string
  readonly pipeline: string
  readonly job: string
  readonly lane: string
  /** Of the commit that is its working directory; null where it has none. */
  readonly ref: string | null
  readonly sha: string | null
  readonly run: number
  readonly attempt: number
  readonly environment: string | null
}

export type TokenAsked = {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly livesMs: number
  readonly passport: Passport
}

const MOST_MS = 3_600_000

/**
 * A token that says who a run is, for those who trust this server: a JSON Web Token (RFC 7519), signed with RS256. It lives as long
 * as the job may take, and an hour at most.
 *
 * @throws {Unsealable} When the key that signs cannot be read.
 */
export async function idToken(db: Trx, keys: Keyring, asked: TokenAsked): Promise<string> {
  const signing = await signingKey(db, keys)
  const { rows } = await sql<{ now: number }>`select floor(extract(epoch from now()))::int as now`.execute(db)
  const now = rows[0]?.now ?? 0
  const lives = Math.ceil(Math.min(asked.livesMs, MOST_MS) / 1_000)
  const head = part({ alg: 'RS256', typ: 'JWT', kid: signing.kid })
  const body = part({
    iss: asked.issuer,
    sub: subjectOf(asked.passport),
    aud: asked.audience.length === 1 ? asked.audience[0] : asked.audience,
    ...{ iat: now, nbf: now, exp: now + lives, jti: randomUUID() },
    ...asked.passport,
    trusted: true,
  })
  const signature = sign('sha256', Buffer.from(`${head}.${body}`), signing.key)
  return `${head}.${body}.${signature.toString('base64url')}`
}

const part = (object: object) => Buffer.from(JSON.stringify(object)).toString('base64url')

/** No name of any of these has a colon. */
export const subjectOf = ({ project, pipeline, job, lane }: Passport): string =>
  `project:${project}:pipeline:${pipeline}:job:${job}:lane:${lane}`
