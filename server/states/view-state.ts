import type { z } from 'zod'
import type { Db } from '../db/connect.ts'
import { bytesOfProject, type Room } from '../files/room.ts'
import { entriesOf } from '../files/archive-entries.ts'
import type { Store } from '../files/store.ts'
import { Problem } from '../problem.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { masksOf } from '../secrets/masks.ts'
import { newestOf, type StateVersion, underWay, versionAt } from './find-states.ts'
import { beginningsOf, shownOf } from './read-content.ts'
import type { State, StateContent, StateHistory } from './shapes.ts'
import { calledOf, type Remembering } from './the-state.ts'

export type Desk = { readonly db: Db; readonly store: Store; readonly keys: Keyring } & Room

/** Of a long value, so many letters. */
const SHOWN_LETTERS = 1_000

/** What of a state its answers tell again and again. */
export const nameOf = (at: Remembering) => ({
  ...{ of: at.of, name: at.name, lane: at.lane.name },
  leg: at.of === 'job' ? at.leg.matrix : null,
})
export const whoOf = (found: StateVersion): z.output<typeof StateHistory>['items'][number] => ({
  ...{ version: found.version, made_at: found.madeAt?.toISOString() ?? null, by: found.by },
  ...{ reason: found.reason, restored: found.restored, run: found.run },
  ...{ files: found.files, bytes: found.bytes, keys: Object.keys(found.fields).length },
})

/** Why nobody changes a state by hand; null where one may. */
export function fixedBecause(at: Remembering): string | null {
  const asked = at.of === 'job' ? at.lane : at.asked
  if (asked.kind === 'pull_request')
    return `\`${asked.name}\` is a pull request’s lane: what its runs remember is theirs alone, and nobody adds to it`
  return asked.id === at.lane.id
    ? null
    : `\`${at.name}\` comes from outside, and lives on the lane \`${at.lane.name}\`: change it there`
}

type Page = { readonly prefix: string; readonly after: string; readonly limit: number }

/** A version of a state, whole but for the contents of its files. */
export async function viewState(
  { db, store, keys, stateBytes }: Desk,
  at: Remembering,
  { version, ...page }: Page & { readonly version: number | undefined },
): Promise<Omit<z.output<typeof State>, 'role'>> {
  const found = await versionAt(db, at, version)
  const mask = await masksOf(db, at.pipeline.project_id, keys)
  const entries = found.archive ? await entriesOf(store, found.archive.key, page) : []
  return {
    ...nameOf(at),
    ...whoOf(found),
    newest: (await newestOf(db, at)).version,
    values: Object.entries(found.fields)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => {
        const text = mask(value)
        return {
          ...{ key, value: text.slice(0, SHOWN_LETTERS), bytes: Buffer.byteLength(value) },
          ...{ whole: text.length <= SHOWN_LETTERS, masked: text !== value },
        }
      }),
    entries,
    next: entries.length === page.limit ? (entries.at(-1)?.path ?? null) : null,
    fixed: fixedBecause(at),
    under_way: await underWay(db, at),
    used: await bytesOfProject(db, at.pipeline.project_id),
    limit: stateBytes,
  }
}

type Part = { readonly path?: string | undefined; readonly key?: string | undefined }

/** The beginning of a file, or a key, as text with secrets hidden. @throws {Problem} `state-not-found`, `invalid-request`. */
export async function contentOf(
  { db, store, keys }: Desk,
  at: Remembering,
  { version, path, key }: Part & { readonly version: number | undefined },
): Promise<z.output<typeof StateContent>> {
  if ((path === undefined) === (key === undefined))
    throw new Problem('invalid-request', 'query: name a `path` or a `key`, one of them')
  const found = await versionAt(db, at, version)
  const read = await partOf({ store }, found, { path, key })
  if (!read)
    throw new Problem(
      'state-not-found',
      `${calledOf(at)} has no ${key === undefined ? 'file' : 'key'} ${JSON.stringify((path ?? key ?? '').slice(0, 200))} in version ${found.version}`,
    )
  const shown = shownOf(read, await masksOf(db, at.pipeline.project_id, keys))
  return {
    ...{ version: found.version, path: path ?? null, key: key ?? null, bytes: read.bytes },
    ...{ kind: shown ? ('text' as const) : ('binary' as const), text: shown?.text ?? null },
    ...{ cut: shown !== null && read.bytes > read.content.length, masked: shown?.isMasked ?? false },
  }
}

async function partOf(
  { store }: Pick<Desk, 'store'>,
  { archive, fields }: StateVersion,
  { path, key }: Part,
) {
  if (key !== undefined) {
    if (!Object.hasOwn(fields, key)) return undefined
    const content = Buffer.from(fields[key] ?? '')
    return { bytes: content.length, content }
  }
  if (!archive || path === undefined) return undefined
  return (await beginningsOf(store, archive.key, new Set([path]))).get(path)
}
