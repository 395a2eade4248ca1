import { sql } from 'kysely'
import type { z } from 'zod'
import type { JobId } from '#pipelines/ids.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'
import { bytesOfProject } from '../files/room.ts'
import { homeLane, theLane, thePipeline, theResource } from '../lines/the-place.ts'
import type { Leg } from '../runs/job-states.ts'
import { newestOf } from './find-states.ts'
import type { StateList } from './shapes.ts'
import type { OnLane, Remembering } from './the-state.ts'
import { type Desk, nameOf, whoOf } from './view-state.ts'

type Where = { readonly project: string; readonly pipeline: string; readonly lane: string | undefined }

/** Jobs that have a state on a lane, each leg by itself, and the resources of the file in force there that remember something. */
export async function listStates(desk: Desk, where: Where): Promise<z.output<typeof StateList>> {
  const { db, stateBytes } = desk
  const pipeline = await thePipeline(db, where.project, where.pipeline)
  const lane = await theLane(db, pipeline, where.lane)
  const all = [...(await resourcesOn(db, { pipeline, lane })), ...(await jobsOn(db, { pipeline, lane }))]
  const items = []
  for (const at of all) items.push({ ...nameOf(at), ...whoOf(await newestOf(db, at)) })
  const used = await bytesOfProject(db, pipeline.project_id)
  return { lane: lane.name, items, next: null, used, limit: stateBytes }
}

async function resourcesOn(db: Db, { pipeline, lane }: OnLane): Promise<Remembering[]> {
  const current = await definitionOf(db, lane.id)
  const found: Remembering[] = []
  for (const { name, kind } of current?.definition.resources ?? []) {
    if (kind !== 'state' && kind !== 'params') continue
    const { id: resource } = await theResource(db, pipeline, name)
    const id = await homeLane(db, { pipeline, lane: lane.id, resource: name })
    const lives = id === lane.id ? lane : { ...(await laneRow(db, id)), id }
    found.push({ pipeline, lane: lives, asked: lane, of: kind, name, resource })
  }
  return found
}

const laneRow = (db: Db, id: OnLane['lane']['id']) =>
  db.selectFrom('lanes').select(['name', 'kind']).where('id', '=', id).executeTakeFirstOrThrow()

/** So many legs are told of. */
const MOST_LEGS = 500

async function jobsOn(db: Db, { pipeline, lane }: OnLane): Promise<Remembering[]> {
  const { rows } = await sql<{ job: JobId; name: string; matrix: Leg['matrix'] }>`
    select distinct jobs.id as job, jobs.name, job_states.matrix
    from job_states join jobs on jobs.id = job_states.job_id
    where job_states.lane_id = ${lane.id}
    order by jobs.name, job_states.matrix limit ${MOST_LEGS}`.execute(db)
  return rows.map(({ job, name, matrix }) => ({
    ...({ pipeline, lane, of: 'job', name, job } as const),
    leg: { job_id: job, lane_id: lane.id, matrix },
  }))
}
