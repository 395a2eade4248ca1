import { sql } from 'kysely'
import type { CallbackId, GateId, VersionId } from '#pipelines/ids.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import type { Told } from '../db/run-tables.ts'
import { toJson } from '../db/to-json.ts'
import { transact, type Tx } from '../db/transact.ts'
import { lockGate, pass } from '../gates/decide.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import type { LockedRun } from '../runs/lock-run.ts'

/** Let go on what waited for something that has come. */
export async function hearAll(db: Db): Promise<void> {
  for (const { gate, version } of await eventsCome(db))
    await transact(db, (tx) => hear(tx, gate, { version }))
  for (const { gate, callback } of await callbacksCome(db))
    await transact(db, (tx) => hear(tx, gate, { callback }))
}

/** For each gate that waits for an event the first one behind its beginning: on its own lane, or where what comes from outside lives. */
async function eventsCome(db: Db): Promise<{ gate: GateId; version: VersionId }[]> {
  return db
    .selectFrom('gates')
    .innerJoin('acts', 'acts.gate_id', 'gates.id')
    .innerJoin('runs', 'runs.id', 'gates.run_id')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .innerJoin('resources', (join) =>
      join
        .onRef('resources.pipeline_id', '=', 'pipelines.id')
        .on((eb) => eb('resources.name', '=', sql<string>`acts.spec->>'resource'`)),
    )
    .leftJoin('lanes as shared', (join) =>
      join.onRef('shared.pipeline_id', '=', 'pipelines.id').on('shared.name', '=', defaultLane),
    )
    .innerJoin('versions', (join) =>
      join
        .onRef('versions.resource_id', '=', 'resources.id')
        .onRef('versions.id', '>', sql<VersionId>`acts.after`)
        .on((eb) =>
          eb.or([
            eb('versions.lane_id', '=', eb.ref('runs.lane_id')),
            eb('versions.lane_id', '=', eb.ref('shared.id')),
          ]),
        )
        .on('versions.disabled_at', 'is', null),
    )
    .select((eb) => ['gates.id as gate', eb.fn.min<VersionId>('versions.id').as('version')])
    .where('gates.state', '=', 'waiting')
    .where('gates.kind', '=', 'wait')
    .groupBy('gates.id')
    .execute()
}

const callbacksCome = (db: Db): Promise<{ gate: GateId; callback: CallbackId }[]> =>
  db
    .selectFrom('gates')
    .innerJoin('acts', 'acts.gate_id', 'gates.id')
    .innerJoin('callbacks', (join) =>
      join
        .onRef('callbacks.run_id', '=', 'gates.run_id')
        .on((eb) => eb('callbacks.name', '=', sql<string>`acts.spec->>'callback'`)),
    )
    .select(['gates.id as gate', 'callbacks.id as callback'])
    .where('gates.state', '=', 'waiting')
    .where('gates.kind', '=', 'wait')
    .where('callbacks.used_at', 'is not', null)
    .execute()

type Come = { readonly version: VersionId } | { readonly callback: CallbackId }

async function hear(tx: Tx, id: GateId, come: Come): Promise<void> {
  const { run, gate } = await lockGate(tx.db, id)
  if (gate.state !== 'waiting') return // somebody was quicker
  const heard = 'version' in come ? await eventOf(tx, id, come.version) : await callbackOf(tx, come.callback)
  const told = { ...run.told, ...both(run, heard) }
  await tx.db
    .updateTable('runs')
    .set({ told: toJson(told) })
    .where('id', '=', run.id)
    .execute()
  await pass(tx, { run: { ...run, told }, gate }, { state: 'passed', answers: {} })
}

/** Several callbacks of a run stand side by side; of several events of a resource the last one counts. */
const both = ({ told }: LockedRun, heard: Told): Told =>
  'callback' in heard ? { callback: { ...told?.['callback'], ...heard['callback'] } } : heard

async function eventOf(tx: Tx, gate: GateId, id: VersionId): Promise<Told> {
  await tx.db.updateTable('acts').set({ version_id: id }).where('gate_id', '=', gate).execute()
  const { resource, ...version } = await tx.db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select(['resources.name as resource', 'versions.name', 'versions.body'])
    .where('versions.id', '=', id)
    .executeTakeFirstOrThrow()
  return { [resource]: fieldsOfVersion(version) }
}

async function callbackOf(tx: Tx, id: CallbackId): Promise<Told> {
  const { name, fields } = await tx.db
    .selectFrom('callbacks')
    .select(['name', 'fields'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const under = Object.entries(fields ?? {}).map(([path, value]) => [`${name}.${path}`, value])
  return { callback: Object.fromEntries(under) }
}
