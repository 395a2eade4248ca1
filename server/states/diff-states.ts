import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { z } from 'zod'
import { type IndexedEntry, indexed, unpacked } from '../files/archive-entries.ts'
import type { Store } from '../files/store.ts'
import { masksOf } from '../secrets/masks.ts'
import { type StateVersion, versionAt } from './find-states.ts'
import { diffLines } from './line-diff.ts'
import { type Beginning, beginningsOf, SHOWN_BYTES, textOf } from './read-content.ts'
import type { StateDiff } from './shapes.ts'
import type { Remembering } from './the-state.ts'
import type { Desk } from './view-state.ts'

/** So many files are told of one by one. */
const MOST_FILES = 50
const MOST_LETTERS = 2_000

type Diff = z.output<typeof StateDiff>
type Entries = ReadonlyMap<string, IndexedEntry>
type Differing = { readonly path: string; readonly before?: IndexedEntry; readonly after?: IndexedEntry }

/** What two versions of a state have not in common. */
export async function diffStates(
  { db, store, keys }: Desk,
  at: Remembering,
  { from, to }: { readonly from: number; readonly to: number | undefined },
): Promise<Diff> {
  const [before, after] = [await versionAt(db, at, from), await versionAt(db, at, to)]
  const mask = await masksOf(db, at.pipeline.project_id, keys)
  const differing = await differingFiles(store, before, after)
  const told = differing.slice(0, MOST_FILES)
  const paths = new Set(told.map(({ path }) => path))
  const [old, now] = [await beginnings(store, before, paths), await beginnings(store, after, paths)]
  return {
    ...{ from: before.version, to: after.version },
    values: differingKeys(before.fields, after.fields, (value) => mask(value).slice(0, MOST_LETTERS)),
    files: await compared(told, { old, now, mask }),
    more: differing.length - told.length,
  }
}

const beginnings = async (store: Store, { archive }: StateVersion, paths: ReadonlySet<string>) =>
  archive ? beginningsOf(store, archive.key, paths) : new Map<string, Beginning>()

const changeOf = (before: unknown, after: unknown) =>
  before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'

type Fields = Readonly<Record<string, string>>
function differingKeys(before: Fields, after: Fields, shown: (value: string) => string): Diff['values'] {
  const valueIn = (fields: Fields, key: string) => (Object.hasOwn(fields, key) ? fields[key] : undefined)
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((key) => {
    const [was, is] = [valueIn(before, key), valueIn(after, key)]
    if (was === is) return []
    return [
      {
        ...{ key, change: changeOf(was, is) },
        before: was === undefined ? null : shown(was),
        after: is === undefined ? null : shown(is),
      } as const,
    ]
  })
}

async function differingFiles(store: Store, before: StateVersion, after: StateVersion): Promise<Differing[]> {
  if (before.archive?.key === after.archive?.key) return []
  const [old, now] = [await entriesIn(store, before), await entriesIn(store, after)]
  return [...new Set([...old.keys(), ...now.keys()])].toSorted().flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)]
    if (was && is && isSame(was, is)) return []
    return [{ path, ...(was ? { before: was } : {}), ...(is ? { after: is } : {}) }]
  })
}

const isSame = (a: IndexedEntry, b: IndexedEntry) =>
  a.kind === b.kind && a.mode === b.mode && a.target === b.target && a.bytes === b.bytes && a.hash === b.hash

/** What is in an archive, each with its hash. */
async function entriesIn(store: Store, { archive }: StateVersion): Promise<Entries> {
  const entries = new Map<string, IndexedEntry>()
  if (!archive) return entries
  for await (const entry of indexed(store, archive.key)) entries.set(entry.path, entry)
  if ([...entries.values()].every(({ hash }) => hash !== undefined)) return entries
  // Packed before the index told of contents: they are read.
  for await (const { entry, content } of unpacked(store, archive.key)) {
    const hash = createHash('sha256')
    for await (const piece of content) hash.update(piece)
    entries.set(entry.path, { ...entry, hash: hash.digest('hex') })
  }
  return entries
}

type Contents<Old> = { readonly old: Old; readonly now: Old; readonly mask: (text: string) => string }
type FileDiff = Diff['files'][number]

/** One after the other, and between two the server turns to whoever waits: files that differ in all they can take a while together. */
async function compared(
  files: readonly Differing[],
  { old, now, mask }: Contents<ReadonlyMap<string, Beginning>>,
): Promise<FileDiff[]> {
  const found: FileDiff[] = []
  for (const file of files) {
    found.push(fileDiff(file, { old: old.get(file.path), now: now.get(file.path), mask }))
    await setImmediate()
  }
  return found
}

function fileDiff(
  { path, before, after }: Differing,
  { old, now, mask }: Contents<Beginning | undefined>,
): FileDiff {
  const told = {
    ...({ path, change: changeOf(before, after) } as const),
    ...{ before: before?.bytes ?? null, after: after?.bytes ?? null },
  }
  const texts = [old, now].map((each) => (each ? textOf(each) : ''))
  const [was, is] = texts
  if (!old && !now) return { ...told, kind: 'other', hunks: [], cut: false }
  if (was === null || was === undefined || is === null || is === undefined)
    return { ...told, kind: 'binary', hunks: [], cut: false }
  const isLong = [old, now].some((each) => each && each.bytes > SHOWN_BYTES)
  // Hidden before they are compared: what is compared is what is shown.
  const hunks = isLong ? null : diffLines(mask(was), mask(is))
  return {
    ...told,
    kind: 'text',
    hunks: [...(hunks ?? [])].map((hunk) => ({ ...hunk, lines: [...hunk.lines] })),
    cut: hunks === null,
  }
}
