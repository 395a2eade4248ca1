import { sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { GateId } from '#pipelines/ids.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import type { Act } from './shapes.ts'

type Shown = z.output<typeof Act>

/** What the server does, or did, at gates. Of runs in projects that the asker does not see nothing is told but that they are. */
export async function actsAt(
  db: Db,
  gates: readonly GateId[],
  access: Access,
): Promise<ReadonlyMap<GateId, Shown>> {
  if (gates.length === 0) return new Map()
  const rows = await db
    .selectFrom('acts')
    .innerJoin('gates', 'gates.id', 'acts.gate_id')
    .leftJoin('versions', 'versions.id', 'acts.version_id')
    .leftJoin('callbacks', (join) =>
      join
        .onRef('callbacks.run_id', '=', 'gates.run_id')
        .on((eb) => eb('callbacks.name', '=', sql<string>`acts.spec->>'callback'`)),
    )
    .select(['acts.gate_id', 'acts.spec', 'acts.due_at', 'versions.name as version'])
    .select(['callbacks.used_at', 'callbacks.address', 'callbacks.fields', 'gates.state as gate'])
    .where('acts.gate_id', 'in', [...gates])
    .execute()
  const attempts = await attemptsAt(db, gates)
  const runs = await runsAt(db, gates, access)
  return new Map(
    rows.map(({ gate_id, spec, due_at, ...heard }): [GateId, Shown] => {
      switch (spec.kind) {
        case 'call': {
          const { kind, service, method, path } = spec
          const tried = attempts.get(gate_id) ?? []
          const isNext = heard.gate === 'waiting' && tried.at(-1)?.ended_at
          const next_at = isNext ? (due_at?.toISOString() ?? null) : null
          return [gate_id, { kind, service, method, path, next_at, attempts: tried }]
        }
        case 'trigger': {
          const { inputs: _, ...target } = spec
          return [gate_id, { ...target, runs: runs.get(gate_id) ?? [] }]
        }
        case 'event':
          return [gate_id, { ...spec, version: heard.version }]
        case 'callback':
          return [gate_id, { ...spec, ...calledBack(heard) }]
      }
    }),
  )
}

type Heard = {
  readonly used_at: Date | null
  readonly address: string | null
  readonly fields: Record<string, string> | null
}
const calledBack = ({ used_at, address, fields }: Heard) => ({
  called_at: used_at?.toISOString() ?? null,
  address,
  fields,
})

type Attempt = Extract<Shown, { kind: 'call' }>['attempts'][number]

async function attemptsAt(db: Db, gates: readonly GateId[]): Promise<ReadonlyMap<GateId, Attempt[]>> {
  const rows = await db
    .selectFrom('call_attempts')
    .selectAll()
    .where('gate_id', 'in', [...gates])
    .orderBy('attempt')
    .execute()
  const shown = rows.map(({ started_at, ended_at, ...row }) => ({
    ...row,
    started_at: started_at.toISOString(),
    ended_at: ended_at?.toISOString() ?? null,
  }))
  const by = Map.groupBy(shown, ({ gate_id }) => gate_id)
  return new Map([...by].map(([gate, all]) => [gate, all.map(({ gate_id: _, ...attempt }) => attempt)]))
}

type Started = Extract<Shown, { kind: 'trigger' }>['runs'][number]

async function runsAt(
  db: Db,
  gates: readonly GateId[],
  access: Access,
): Promise<ReadonlyMap<GateId, Started[]>> {
  const rows = await db
    .selectFrom('triggered')
    .innerJoin('runs', (join) =>
      join.on(sql<boolean>`(runs.id = triggered.run_id or runs.batch_id = triggered.run_id)`),
    )
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .select(['triggered.gate_id', 'runs.id', 'runs.number', 'runs.state'])
    .where('triggered.gate_id', 'in', [...gates])
    .where('runs.retry_of', 'is', null)
    .where(mayIn(access, 'viewer'))
    .orderBy('runs.id')
    .execute()
  const by = Map.groupBy(rows, ({ gate_id }) => gate_id)
  return new Map([...by].map(([gate, all]) => [gate, all.map(({ gate_id: _, ...run }) => run)]))
}
