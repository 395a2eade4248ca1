import type { Resource } from '#pipelines/language/pipeline.ts'
import { fieldsOfImage } from '#pipelines/plan/image-fields.ts'
import { bumped, fieldsOfSemver, parseSemver, semverText } from '#pipelines/plan/semver.ts'
import type { PutSaid } from '#pipelines/wire/puts.ts'
import { Problem } from '../problem.ts'
import { nameOfCustom } from '../resources/custom-version.ts'
import { bodyOf, countedOn, type Standing } from '../resources/newest-on-lane.ts'

type Put = { readonly said: PutSaid; readonly newest: Standing | undefined }

/**
 * The version that a put makes: the same for the same words and the same newest version.
 *
 * @throws {Problem} `bad-put`.
 */
export function makeVersion(resource: Resource, { said, newest }: Put): Standing {
  switch (said.kind) {
    case 'image':
      return imageOf(resource, said)
    case 'git': {
      const { sha, branch, message, author } = said
      return { name: sha, body: { ref: `refs/heads/${branch}`, message, author, before: null } }
    }
    case 'semver':
      return semverOf(resource, { said, newest })
    case 'params':
      return paramsOf(newest, { set: said.set, overwrite: said.overwrite })
    case 'files':
      return { name: said.folder, body: { fields: { version: said.folder }, folder: said.folder } }
    case 'state':
      return stateOf(newest, said)
    case 'custom':
      return { name: nameOfCustom(said.version), body: { fields: said.version, metadata: said.metadata } }
  }
}

type Said<Kind extends PutSaid['kind']> = Extract<PutSaid, { kind: Kind }>

function imageOf(resource: Resource, { digest, tags: [tag] }: Said<'image'>): Standing {
  const repository = resource.kind === 'registry' ? resource.repository : ''
  return { name: digest, body: { fields: fieldsOfImage(repository, { digest, tag: tag ?? null }) } }
}

function semverOf(resource: Resource, { said, newest }: Put & { said: Said<'semver'> }): Standing {
  const initial = resource.kind === 'semver' ? resource.initial : ''
  const from = parseSemver(newest?.name ?? initial)
  if (!from)
    throw new Problem(
      'bad-put',
      `\`${newest?.name ?? initial}\` is no version that could go up, such as 1.0.0`,
    )
  const next = bumped(from, said)
  return { name: semverText(next), body: { fields: fieldsOfSemver(next) } }
}

/** All keys that fit into a version. */
const MOST_LETTERS = 200_000
function bounded(fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const letters = Object.entries(fields).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
  if (letters <= MOST_LETTERS) return fields
  throw new Problem('bad-put', `all keys together have ${letters} characters; ${MOST_LETTERS} fit`)
}

/** Keys that are set, keys that go, and whether all others go with them. */
export type KeyChange = {
  readonly set: Readonly<Record<string, string>>
  readonly unset?: readonly string[]
  readonly overwrite: boolean
}

/** The keys as they are then: those that are not named stay as they were, unless all are overwritten. */
export function changedKeys(
  before: Readonly<Record<string, string>>,
  { set, unset = [], overwrite }: KeyChange,
): Readonly<Record<string, string>> {
  const left = Object.entries(before).filter(([key]) => !overwrite && !unset.includes(key))
  return bounded({ ...Object.fromEntries(left), ...set })
}

export function paramsOf(newest: Standing | undefined, change: KeyChange): Standing {
  const before = bodyOf(newest)
  return { name: countedOn(newest), body: { ...before, fields: changedKeys(before.fields, change) } }
}

function stateOf(newest: Standing | undefined, { folder, set }: Said<'state'>): Standing {
  const before = bodyOf(newest)
  const name = countedOn(newest)
  const fields = bounded({ ...before.fields, ...set, version: name })
  return { name, body: { fields, folder: folder ?? before.folder ?? null } }
}
