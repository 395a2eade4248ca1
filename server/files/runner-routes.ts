import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { ARCHIVE_BOUNDS, ARCHIVE_TYPE, type ArchiveBounds } from '#pipelines/wire/archive.ts'
import { transact } from '../db/transact.ts'
import type { Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { type HeldRun, type Holding, leaseHolder, lockLeaseHolder } from '../runs/lease-holder.ts'
import { cacheFor, cacheName, keepCache } from './caches.ts'
import { folderFor, keepFolder, putFolderOf } from './folders.ts'
import { handOverPlace, keepWorkspace, workspaceFor } from './handovers.ts'
import { keepFiles, keepingOf, keptFor } from './kept.ts'
import { type SavedArchive, saveArchive, type Vault } from './save-archive.ts'
import type { Room } from './room.ts'
import { leaveState, stateOf } from './states.ts'

/** How near a cache is to the one that was asked for: `exact`, or `near`, made from other contents. */
const MATCH = 'takt-match'

/**
 * `/runner/runs/{run}/…`: files that leave a run's workspace and come into it, as packed archives. A runner shows the lease of
 * the run; what it may read is what this run needs, and what it writes is this run's.
 */
export function runnerFileRoutes({ stateBytes, ...vault }: Vault & Room) {
  const { db } = vault
  return new Hono()
    .put('/runs/:run/kept', async (c) => {
      const keeping = await keepingOf(db, await leaseHolder(db, holdingOf(c)))
      if (!keeping) throw new Problem('invalid-request', 'the job keeps no files')
      const write = (tx: Trx, run: HeldRun, { id }: SavedArchive) =>
        keepFiles(tx, run, { archive: id, ...keeping })
      return receive(vault, c, { bounds: ARCHIVE_BOUNDS.kept, write })
    })
    .get('/runs/:run/kept/:from', async (c) => {
      const { id } = await leaseHolder(db, holdingOf(c))
      return send(vault, c, await keptFor(db, id, c.req.param('from')))
    })
    .put('/runs/:run/state', (c) => {
      const write = (tx: Trx, run: HeldRun, archive: SavedArchive) =>
        leaveState(tx, run, { archive, room: { stateBytes } })
      return receive(vault, c, { bounds: ARCHIVE_BOUNDS.state, write })
    })
    .get('/runs/:run/state', async (c) =>
      send(vault, c, await stateOf(db, await leaseHolder(db, holdingOf(c)), null)),
    )
    .get('/runs/:run/states/:job', async (c) =>
      send(vault, c, await stateOf(db, await leaseHolder(db, holdingOf(c)), c.req.param('job'))),
    )
    .put('/runs/:run/handovers/:position', async (c) => {
      const run = await leaseHolder(db, holdingOf(c))
      const asked = { position: c.req.param('position'), checkpoint: c.req.query('checkpoint') }
      const place = await handOverPlace(db, run, asked)
      const write = (tx: Trx, held: HeldRun, { id }: SavedArchive) =>
        keepWorkspace(tx, held, { ...place, archive: id })
      return receive(vault, c, { bounds: ARCHIVE_BOUNDS.workspace, write })
    })
    .get('/runs/:run/handover', async (c) =>
      send(vault, c, await workspaceFor(db, await leaseHolder(db, holdingOf(c)))),
    )
    .put('/runs/:run/caches/:name/:key', (c) => {
      const cache = cacheName(c.req.param('name'), c.req.param('key'))
      const write = (tx: Trx, run: HeldRun, { id }: SavedArchive) =>
        keepCache(tx, run, { ...cache, archive: id })
      return receive(vault, c, { bounds: ARCHIVE_BOUNDS.cache, write })
    })
    .get('/runs/:run/caches/:name/:key', async (c) => {
      const cache = cacheName(c.req.param('name'), c.req.param('key'))
      const found = await cacheFor(db, await leaseHolder(db, holdingOf(c)), cache)
      if (found) c.header(MATCH, found.match)
      return send(vault, c, found && found.key)
    })
    .put('/runs/:run/folders/:resource', async (c) => {
      const resource = await putFolderOf(db, await leaseHolder(db, holdingOf(c)), c.req.param('resource'))
      const write = (tx: Trx, _run: HeldRun, { id, digest }: SavedArchive) =>
        keepFolder(tx, { resource, version: digest, archive: id })
      return receive(vault, c, { bounds: ARCHIVE_BOUNDS.folder, write })
    })
    .get('/runs/:run/folders/:resource/:version', async (c) =>
      send(vault, c, await folderFor(db, await leaseHolder(db, holdingOf(c)), c.req.param())),
    )
}

const holdingOf = (c: Context): Holding => ({
  run: c.req.param('run') ?? '',
  authorization: c.req.header('authorization'),
})

type Receiving = {
  readonly bounds: ArchiveBounds
  /** What the archive is to be, decided while the run cannot be taken from the runner. */
  readonly write: (tx: Trx, run: HeldRun, saved: SavedArchive) => Promise<void>
}

async function receive(vault: Vault, c: Context, { bounds, write }: Receiving): Promise<Response> {
  await leaseHolder(vault.db, holdingOf(c))
  if (!c.req.raw.body) throw new Problem('bad-archive', 'there is no body: send a tar inside zstd')
  const packed = Readable.fromWeb(c.req.raw.body as Parameters<typeof Readable.fromWeb>[0])
  const saved = await saveArchive(vault, packed, { bounds, signal: c.req.raw.signal })
  await transact(vault.db, async (tx) => write(tx.db, await lockLeaseHolder(tx.db, holdingOf(c)), saved))
  const { files, bytes, packedBytes, digest } = saved
  return c.json({ version: digest, files, bytes, packed_bytes: packedBytes }, 201)
}

/** @param key  Null where there is nothing to send, which is an answer: 204. */
async function send({ store }: Vault, c: Context, key: string | null): Promise<Response> {
  if (key === null) return c.body(null, 204)
  const packed = await store.get(key, c.req.raw.signal)
  if (!packed) throw new Problem('files-not-found', `the store has lost ${key}; restore it from a backup`)
  return c.body(Readable.toWeb(packed) as ReadableStream, 200, { 'content-type': ARCHIVE_TYPE })
}
