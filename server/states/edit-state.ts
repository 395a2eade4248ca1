import { audited } from '../audit/on-record.ts'
import type { FieldsBody } from '../db/schema.ts'
import { type Tx, transact } from '../db/transact.ts'
import { leftOn } from '../files/closed-lanes.ts'
import { keepFolder } from '../files/folders.ts'
import { mustFit } from '../files/room.ts'
import type { SavedArchive } from '../files/save-archive.ts'
import { mustBe } from '../http/expected-version.ts'
import { Problem } from '../problem.ts'
import { addJobState } from '../runs/job-states.ts'
import { changedKeys, type KeyChange } from '../versions/make-version.ts'
import { type By, editResource } from './edit-resource.ts'
import { newestOf, type StateVersion, versionAt } from './find-states.ts'
import { type FileChange, rewriteArchive } from './rewrite-archive.ts'
import { calledOf, type OfJob, type OfResource, type Remembering } from './the-state.ts'
import { type Desk, fixedBecause } from './view-state.ts'

export type Edit = By & {
  readonly keys: KeyChange
  readonly files: FileChange
  readonly signal: AbortSignal
}

/** Others that change the same meanwhile, where nobody says which version they mean. */
const MOST_TRIES = 20

/**
 * A person changes what a job or a resource remembers: a new version, with who and why. With `expected` only where the newest is the
 * one that they know.
 *
 * @throws {Problem} `untrusted-lane`, `bad-state`, `changed-meanwhile`, `state-too-large`.
 */
export async function editState(desk: Desk, at: Remembering, edit: Edit): Promise<StateVersion> {
  mustBeOpen(at)
  mustSuit(at, edit)
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const base = await newestOf(desk.db, at)
    mustBe(edit.expected, { version: base.version, what: calledOf(at) })
    // Packed before anything is locked: how long that takes is nobody else's matter.
    const archive = changesFiles(edit.files)
      ? await rewriteArchive(desk, base.archive?.key ?? null, edit.files, edit.signal)
      : null
    const isDone = await transact(desk.db, (tx) => write(tx, { desk, at, edit, base, archive }))
    if (isDone) return newestOf(desk.db, at)
  }
  throw new Problem(
    'changed-meanwhile',
    `${calledOf(at)} was changed ${MOST_TRIES} times while this was written; try again`,
  )
}

/** @throws {Problem} `untrusted-lane`. */
export function mustBeOpen(at: Remembering): void {
  const words = fixedBecause(at)
  if (words !== null) throw new Problem('untrusted-lane', words)
}

const changesFiles = ({ write, remove }: FileChange) => write.size > 0 || remove.length > 0
const changesKeys = ({ set, unset = [], overwrite }: KeyChange) =>
  Object.keys(set).length > 0 || unset.length > 0 || overwrite

/** @throws {Problem} `bad-state`. */
function mustSuit(at: Remembering, { keys, files }: Edit): void {
  const [hasKeys, hasFiles] = [changesKeys(keys), changesFiles(files)]
  if (!hasKeys && !hasFiles)
    throw new Problem('bad-state', 'nothing is changed: say `set`, `unset`, `overwrite`, `write` or `remove`')
  if (at.of === 'job' && hasKeys)
    throw new Problem('bad-state', 'a job remembers files: `write` and `remove` them; keys are of resources')
  if (at.of === 'params' && hasFiles)
    throw new Problem('bad-state', `\`${at.name}\` is a params resource: it has keys, and no files`)
  if (at.of === 'state' && (keys.unset ?? []).concat(Object.keys(keys.set)).includes('version'))
    throw new Problem('bad-state', 'the key `version` is what the version is called; write another one')
}

type Writing = {
  readonly desk: Desk
  readonly at: Remembering
  readonly edit: Edit
  readonly base: StateVersion
  readonly archive: SavedArchive | null
}

/** @returns Whether it is written; not where the version that it was made from is the newest no more. */
const write = (tx: Tx, { at, ...writing }: Writing): Promise<boolean> =>
  at.of === 'job' ? writeJob(tx, at, writing) : writeResource(tx, at, writing)

type WritingTo = Omit<Writing, 'at'>

async function writeJob(tx: Tx, at: OfJob, { desk, edit, base, archive }: WritingTo): Promise<boolean> {
  if (!archive) return false
  const { by, reason, files } = edit
  const made = { archive: archive.id, bytes: archive.bytes, by, reason }
  const version = await addByHand(tx, at, { desk, made, on: base.version })
  if (version === null) return false
  audited({
    before: { lane: at.lane.name, leg: at.leg.matrix, version: base.version },
    after: {
      ...{ lane: at.lane.name, leg: at.leg.matrix, version },
      ...{ written: [...files.write.keys()], removed: files.remove },
    },
    ...(reason === null ? {} : { reason }),
  })
  return true
}

type ByHand = {
  readonly desk: Desk
  readonly made: Parameters<typeof addJobState>[2] & { readonly bytes: number }
  readonly on: number
}

async function addByHand(tx: Tx, at: OfJob, { desk, made, on }: ByHand): Promise<number | null> {
  await leftOn(tx.db, at.lane.id)
  const { project_id, project, name: pipeline } = at.pipeline
  await mustFit(
    tx.db,
    { project_id, project },
    {
      ...{ replaces: { leg: at.leg }, bytes: made.bytes, what: calledOf(at) },
      room: { stateBytes: desk.stateBytes },
    },
  )
  const version = await addJobState(tx.db, at.leg, made, on)
  if (version !== null)
    tx.emit({ kind: 'state.changed', project, pipeline, lane: at.lane.name, job: at.name })
  return version
}

async function writeResource(
  tx: Tx,
  at: OfResource,
  { desk, edit, base, archive }: WritingTo,
): Promise<boolean> {
  const change = (before: FieldsBody, version: string) => {
    // Files are made of one version; keys of whichever is the newest.
    if (archive && (before.folder ?? null) !== base.folder) return null
    const fields = changedKeys(before.fields, edit.keys)
    const said = at.of === 'state' ? { ...fields, version } : fields
    return { fields: said, ...(archive ? { folder: archive.digest } : {}) }
  }
  if (archive)
    await keepFolder(tx.db, { resource: at.resource, version: archive.digest, archive: archive.id })
  const { by, reason, expected } = edit
  const room = { stateBytes: desk.stateBytes }
  return (await editResource(tx, at, { by, reason, expected, room, change })) !== null
}

/**
 * What it was before becomes the newest version again.
 *
 * @throws {Problem} `untrusted-lane`, `state-not-found`, `changed-meanwhile`, `files-expired`.
 */
export async function restoreState(
  desk: Desk,
  at: Remembering,
  { version, ...by }: By & { readonly version: number },
): Promise<StateVersion> {
  mustBeOpen(at)
  const old = await versionAt(desk.db, at, version)
  if (old.folder !== null && !old.archive)
    throw new Problem('files-expired', `the files of version ${version} of ${calledOf(at)} are gone`)
  if (at.of === 'job') await restoreJob(desk, at, { old, ...by })
  else
    await transact(desk.db, (tx) =>
      editResource(tx, at, {
        ...by,
        room: { stateBytes: desk.stateBytes },
        restored: version,
        change: (_, name) =>
          at.of === 'params'
            ? { fields: old.fields }
            : { fields: { ...old.fields, version: name }, folder: old.folder },
      }),
    )
  return newestOf(desk.db, at)
}

type Restoring = By & { readonly old: StateVersion }

async function restoreJob(desk: Desk, at: OfJob, { old, by, reason, expected }: Restoring): Promise<void> {
  const { archive, bytes, version: restored } = old
  if (!archive) throw new Problem('state-not-found', `${calledOf(at)} was nothing in version ${restored}`)
  await transact(desk.db, async (tx) => {
    const { version: on } = await newestOf(tx.db, at)
    mustBe(expected, { version: on, what: calledOf(at) })
    const made = { archive: archive.id, bytes, by, reason, restored }
    const version = await addByHand(tx, at, { desk, made, on })
    if (version === null)
      throw new Problem('changed-meanwhile', `${calledOf(at)}: somebody else changed it just now; look at it`)
    audited({
      before: { lane: at.lane.name, leg: at.leg.matrix, version: on },
      after: { lane: at.lane.name, leg: at.leg.matrix, version, restored },
      ...(reason === null ? {} : { reason }),
    })
  })
}

type Counting = By & { readonly key: string; readonly step: number }

/**
 * Count a key up or down: all who do so at once are each counted. What is not there counts as 0.
 *
 * @throws {Problem} `untrusted-lane`, `bad-state`, `not-a-number`.
 */
export async function incrementKey(
  desk: Desk,
  at: Remembering,
  { key, step, ...by }: Counting,
): Promise<{ version: StateVersion; value: string }> {
  mustBeOpen(at)
  if (at.of === 'job') throw new Problem('bad-state', 'a job remembers files; keys of resources are counted')
  if (at.of === 'state' && key === 'version')
    throw new Problem('bad-state', 'the key `version` is what the version is called; count another one')
  let value = ''
  await transact(desk.db, (tx) =>
    editResource(tx, at, {
      ...by,
      room: { stateBytes: desk.stateBytes },
      change: ({ fields }, version) => {
        value = counted(key, { now: Object.hasOwn(fields, key) ? fields[key] : undefined, step })
        const set = changedKeys(fields, { set: { [key]: value }, overwrite: false })
        return { fields: at.of === 'state' ? { ...set, version } : set }
      },
    }),
  )
  return { version: await newestOf(desk.db, at), value }
}

function counted(key: string, { now = '0', step }: { now: string | undefined; step: number }): string {
  if (!/^-?\d{1,16}$/.test(now))
    throw new Problem('not-a-number', `\`${key}\` holds ${JSON.stringify(now.slice(0, 40))}`)
  const sum = Number(now) + step
  if (!Number.isSafeInteger(sum))
    throw new Problem('not-a-number', `\`${key}\` would leave what counts exactly: ${sum}`)
  return String(sum)
}
