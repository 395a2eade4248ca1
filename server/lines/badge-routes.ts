import { createRoute, z } from '@hono/zod-openapi'
import { etag } from 'hono/etag'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { badgeLook, drawBadge } from '#pipelines/statuses/badge.ts'
import { lineVerdict, type Verdict } from '#pipelines/statuses/verdict.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { namedJobs } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { jobsNow } from './jobs-now.ts'
import { chosenLane, type PipelineRow } from './queries.ts'
import { theJob, thePipeline } from './the-place.ts'

const name = z.string().max(100)
/** As long a badge may be old. */
const FRESH_S = 30

const badge = createRoute({
  method: 'get',
  path: '/projects/{project}/pipelines/{pipeline}/badge.svg',
  tags: ['Pipelines'],
  summary: 'How a pipeline stands on a lane, or one job of it, as an image',
  // Those who show it ask often, and mostly nothing has changed.
  middleware: etag(),
  request: {
    params: z.object({ project: name, pipeline: name }),
    query: z.object({
      lane: z
        .string()
        .max(MOST_REF_BYTES)
        .optional()
        .openapi({ description: 'The lane; without it the default branch’s, else the newest' }),
      job: name.optional().openapi({ description: 'One job; without it the whole pipeline' }),
    }),
  },
  responses: { 200: { description: 'The image', content: { 'image/svg+xml': { schema: z.string() } } } },
})

export const badgeRoutes = ({ db }: { db: Db }) =>
  routes().openapi(badge, async (c) => {
    const { project, pipeline } = c.req.valid('param')
    const { lane, job } = c.req.valid('query')
    const found = await thePipeline(db, project, pipeline)
    const verdict = await verdictOf(db, found, { lane, job })
    const about = [project, pipeline, ...(job === undefined ? [] : [job])].join('/')
    const svg = drawBadge(lane === undefined ? about : `${about} @ ${lane}`, badgeLook(verdict))
    // What somebody in particular saw is kept for nobody else.
    const sharing = (c.get('user') as object | undefined) ? 'private' : 'public'
    return c.body(svg, 200, {
      'content-type': 'image/svg+xml; charset=utf-8',
      'cache-control': `${sharing}, max-age=${FRESH_S}`,
      vary: 'authorization, cookie',
    })
  })

type Wanted = { readonly lane: string | undefined; readonly job: string | undefined }

/** @throws {Problem} `lane-not-found` or `job-not-found`, of what was named. */
async function verdictOf(db: Db, pipeline: PipelineRow, { lane: wanted, job }: Wanted): Promise<Verdict> {
  const lane = await chosenLane(db, pipeline, wanted)
  if (!lane && wanted !== undefined)
    throw new Problem('lane-not-found', `there is no lane \`${wanted}\`: nothing was pushed to it yet`)
  const one = job === undefined ? null : await theJob(db, pipeline, job)
  if (!lane) return 'skipped'
  const jobs = one ? new Map([[one.name, one.id]]) : await jobsOnLane(db, pipeline, lane.id)
  const names = new Map([...jobs].map(([name, id]) => [id, name]))
  const now = await jobsNow(
    db,
    [...jobs.values()].map((id) => ({ job: id, lane: lane.id })),
  )
  return lineVerdict(
    now.flatMap(({ job: id, legs }) => legs.map((leg) => ({ ...leg, job: names.get(id) ?? '' }))),
  ).verdict
}

/** The jobs of the lane’s present file; those that it has no more count for nothing. */
async function jobsOnLane(db: Db, pipeline: PipelineRow, lane: LaneId): Promise<ReadonlyMap<string, JobId>> {
  const current = await definitionOf(db, lane)
  return namedJobs(db, pipeline.id, current?.definition.jobs.map((job) => job.name) ?? [])
}
