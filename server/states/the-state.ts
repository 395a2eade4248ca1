import type { z } from 'zod'
import type { JobId, LaneId, ResourceId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { laneOf, type PipelineRow } from '../lines/queries.ts'
import { homeLane, theJob, theLane, thePipeline, theResource } from '../lines/the-place.ts'
import type { Leg } from '../runs/job-states.ts'
import { LegText, type StatePath } from './shapes.ts'

/** A lane of the line, and the pipeline that it is one of. */
export type OnLane = {
  readonly pipeline: PipelineRow
  readonly lane: {
    readonly id: LaneId
    readonly name: string
    readonly kind: 'push' | 'tag' | 'pull_request'
  }
}
export type OfJob = OnLane & {
  readonly of: 'job'
  readonly name: string
  readonly job: JobId
  readonly leg: Leg
}
export type OfResource = OnLane & {
  readonly of: 'state' | 'params'
  /** The lane that was asked about, where the versions of what comes from outside live on another one. */
  readonly asked: OnLane['lane']
  readonly name: string
  readonly resource: ResourceId
}
/** Something of a line that remembers: a job on a lane, or a resource of state or of parameters on the lane that its versions live on. */
export type Remembering = OfJob | OfResource

type Asked = {
  readonly path: z.output<typeof StatePath>
  readonly lane: string | undefined
  readonly leg: string | undefined
}

/**
 * What a request is about.
 *
 * @throws {Problem} `pipeline-not-found`, `lane-not-found`, `job-not-found`, `resource-not-found`, `state-not-found`, `invalid-request`.
 */
export async function theState(db: Db, { path, lane: wanted, leg }: Asked): Promise<Remembering> {
  const pipeline = await thePipeline(db, path.project, path.pipeline)
  const lane = await theLane(db, pipeline, wanted)
  if (path.of === 'jobs') {
    const { id: job, name } = await theJob(db, pipeline, path.name)
    return {
      pipeline,
      lane,
      of: 'job',
      name,
      job,
      leg: { job_id: job, lane_id: lane.id, matrix: legIn(leg) },
    }
  }
  if (leg !== undefined) throw new Problem('invalid-request', 'query: leg: only jobs have legs')
  const { id: resource, name, kind } = await theResource(db, pipeline, path.name)
  if (kind !== 'state' && kind !== 'params')
    throw new Problem(
      'state-not-found',
      `\`${name}\` is a ${kind} resource; \`state\` and \`params\` resources and jobs have a state`,
    )
  const home = await homeLane(db, { pipeline, lane: lane.id, resource: name })
  const lives = home === lane.id ? lane : await laneCalled(db, pipeline, home)
  return { pipeline, lane: lives, asked: lane, of: kind, name, resource }
}

async function laneCalled(db: Db, pipeline: PipelineRow, id: LaneId) {
  const { name } = await db.selectFrom('lanes').select('name').where('id', '=', id).executeTakeFirstOrThrow()
  const lane = await laneOf(db, pipeline.id, name)
  if (!lane) throw new Problem('lane-not-found', `there is no lane \`${name}\``)
  return lane
}

/** A leg as it was written, bounded and of texts alone. @throws {Problem} `invalid-request`. */
function legIn(text: string | undefined): Leg['matrix'] {
  if (text === undefined) return null
  let leg: unknown
  try {
    leg = JSON.parse(text)
  } catch {
    leg = null // no JSON: said below like all else that is no leg
  }
  const read = LegText.safeParse(leg)
  if (read.success) return read.data
  throw new Problem(
    'invalid-request',
    `query: leg: write a leg as JSON, such as {"node":"22"}, and not ${text.slice(0, 100)}`,
  )
}

/** How a state is called in a sentence. */
export function calledOf(at: Remembering): string {
  const leg = at.of === 'job' && at.leg.matrix ? ` (${Object.values(at.leg.matrix).join(', ')})` : ''
  return `the state of \`${at.name}\`${leg} on \`${at.lane.name}\``
}
