import { sql } from 'kysely'
import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import type { RunState } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { isAllowed } from '../runs/queries.ts'
import type { Leg } from '../runs/shapes.ts'

type Told = z.output<typeof Leg>
type Row = {
  readonly batch: RunId
  readonly first: RunId
  readonly id: RunId
  readonly number: number
  readonly state: RunState
  readonly allow_failure: boolean
  readonly allowed: boolean
  readonly matrix: Record<string, string> | null
  readonly started_at: Date | null
  readonly ended_at: Date | null
}

/** The newest run of every leg of these matrices, in the order in which the legs were made. */
export async function legsOf(db: Db, batches: readonly number[]): Promise<ReadonlyMap<number, Told[]>> {
  if (batches.length === 0) return new Map()
  const { rows } = await sql<Row>`
    select distinct on (batch_id, matrix) batch_id as batch, min(id) over (partition by batch_id, matrix) as first,
      id, number, state, allow_failure, ${isAllowed} as allowed, matrix, started_at, ended_at
    from runs where batch_id = any(${[...batches]}::bigint[]) order by batch_id, matrix, id desc`.execute(db)
  const inOrder = rows.toSorted((a, b) => a.first - b.first)
  return new Map(
    [...Map.groupBy(inOrder, ({ batch }) => batch as number)].map(([batch, legs]) => [batch, legs.map(told)]),
  )
}

const told = ({ batch: _, first: __, started_at, ended_at, ...leg }: Row): Told => ({
  ...leg,
  started_at: started_at?.toISOString() ?? null,
  ended_at: ended_at?.toISOString() ?? null,
})
