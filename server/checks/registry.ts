import { sql } from 'kysely'
import { matchesGlob } from '#pipelines/language/glob.ts'
import { fieldsOfImage } from '#pipelines/plan/image-fields.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Claimed } from './due.ts'
import type { Question, SecretName } from './questions.ts'
import { moveOnTop } from './record-told.ts'
import { digestOf, listTags, type Login, Registry, RegistryError } from './registry-api.ts'
import { settle } from './settle.ts'
import { hasVersion, type Subject, withEach } from './subjects.ts'

type Asked = Extract<Question, { kind: 'registry' }>
/** Where each tag pointed, tags in their natural order: `v9` before `v10`. */
type Seen = readonly (readonly [tag: string, digest: string])[]

/** More tags than this are asked for nobody: each is a request. */
const MOST_TAGS = 200
const AT_ONCE = 6

export type RegistryDeps = {
  readonly db: Db
  readonly signal: AbortSignal
  /** What a project's secret of this name opens a registry with; null where there is none. */
  readonly loginOf: (login: SecretName) => Promise<Login | null>
}

/**
 * Every digest that a tag has come to point to since the last look is the newest version, also one that was there before: the newest is
 * what was pushed or moved last. Several at once are taken in the natural order of their tags.
 */
export async function checkRegistry(
  { db, signal, loginOf }: RegistryDeps,
  check: Claimed,
  asked: Asked,
): Promise<void> {
  const login = asked.login && (await loginOf(asked.login))
  if (asked.login && !login) return settle(db, check, { error: secretMissing(asked.login) })
  const registry = new Registry({ repository: asked.repository, login, signal })
  const now = await pointersOf(registry, asked.tag)
  const before = check.seen === null ? null : new Map(check.seen as Seen)
  const moved = before && now.filter(([tag, digest]) => before.get(tag) !== digest)
  await withEach(db, check, async (subject, { tx, at }) => {
    const told = (await hasVersion(tx.db, subject)) ? await newTo(tx.db, subject, { now, moved }) : now
    await moveOnTop(tx, at, {
      id: subject.resource,
      name: subject.name,
      versions: versionsOf(asked.repository, told),
    })
  })
  await settle(db, check, { seen: now })
}

/** What has moved since the last look; where nobody looked for a while, what the resource does not have. */
async function newTo(
  db: Trx,
  { resource }: Subject,
  { now, moved }: { readonly now: Seen; readonly moved: Seen | null },
): Promise<Seen> {
  if (moved) return moved
  const rows = await db
    .selectFrom('versions')
    .select('name')
    .where('resource_id', '=', resource)
    .where('name', '=', sql<string>`any(${now.map(([, digest]) => digest)}::text[])`)
    .execute()
  const known = new Set(rows.map(({ name }) => name))
  return now.filter(([, digest]) => !known.has(digest))
}

export const secretMissing = ({ project, secret }: SecretName): RunError => ({
  code: 'secret_missing',
  message: `the secret \`${secret}\` is not there: set it with \`takt secrets set ${project} ${secret}\``,
})

/** One version for each digest, under the last of its tags that says more than `latest`. */
function versionsOf(repository: string, told: Seen) {
  const tags = new Map<string, string>()
  for (const [tag, digest] of told) {
    const known = tags.get(digest)
    tags.delete(digest)
    tags.set(digest, tag === 'latest' && known !== undefined ? known : tag)
  }
  return [...tags].map(([digest, tag]) => ({
    name: digest,
    body: { fields: fieldsOfImage(repository, { digest, tag }) },
  }))
}

async function pointersOf(registry: Registry, glob: string | null): Promise<Seen> {
  const tags = await tagsOf(registry, glob)
  if (tags.length > MOST_TAGS)
    throw new RegistryError(
      'registry_too_many_tags',
      `${tags.length} tags fit${glob === null ? '' : ` \`${glob}\``}, and ${MOST_TAGS} are looked at: say by \`tag\` which ones count`,
    )
  const found: (readonly [string, string])[] = []
  for (let from = 0; from < tags.length; from += AT_ONCE) {
    const batch = tags.slice(from, from + AT_ONCE)
    const digests = await Promise.all(batch.map((tag) => digestOf(registry, tag)))
    found.push(...batch.flatMap((tag, index) => (digests[index] ? [[tag, digests[index]] as const] : [])))
  }
  return found
}

async function tagsOf(registry: Registry, glob: string | null): Promise<string[]> {
  if (glob !== null && /^[\w.-]+$/.test(glob)) return [glob]
  const natural = new Intl.Collator('en', { numeric: true })
  // `latest` says the least, and so it comes first: what else points there says more.
  const rank = (tag: string) => (tag === 'latest' ? 0 : 1)
  const all = (await listTags(registry)).filter((tag) => glob === null || matchesGlob(tag, glob))
  return [...new Set(all)].toSorted((a, b) => rank(a) - rank(b) || natural.compare(a, b))
}
