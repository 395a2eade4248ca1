import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { pause as stop, resume as goOn } from '../catalog/pause.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { disableVersion, enableVersion } from '../resources/disable-version.ts'
import { pinVersion, unpinVersion } from '../resources/pin-version.ts'
import { pauseOf, standingOf } from './decisions.ts'
import { JobPause, PipelinePause, Reason as reason, Unpinned, VersionStanding } from './shapes.ts'
import { homeLane, theJob, theLane, thePipeline, theResource, theVersion } from './the-place.ts'

const name = z.string().max(100)
const lane = z
  .string()
  .max(MOST_REF_BYTES)
  .optional()
  .openapi({ description: 'The lane; without it the default branch’s' })
const version = z
  .string()
  .min(1)
  .max(MOST_REF_BYTES)
  .openapi({ description: 'The version’s name, or a beginning that no other one has' })

const RESOURCE = '/projects/{project}/pipelines/{pipeline}/resources/{resource}'
const JOB = '/projects/{project}/pipelines/{pipeline}/jobs/{job}'
const PIPELINE = '/projects/{project}/pipelines/{pipeline}'
const ofPipeline = z.object({ project: name, pipeline: name })
const ofResource = z.object({ project: name, pipeline: name, resource: name })
const ofVersion = ofResource.extend({ version })
const ofJob = z.object({ project: name, pipeline: name, job: name })
const standing = { 200: json(VersionStanding, 'What is decided about it now') }
const going = { 200: json(JobPause, 'Whether it is paused now') }

const pin = createRoute({
  method: 'put',
  path: `${RESOURCE}/pin`,
  tags: ['Versions'],
  summary: 'Let jobs on a lane take only this version of a resource',
  request: { params: ofResource, body: body(z.object({ lane, version, reason })) },
  responses: standing,
})
const unpin = createRoute({
  method: 'delete',
  path: `${RESOURCE}/pin`,
  tags: ['Versions'],
  summary: 'Let jobs on a lane take the newest version of a resource again',
  request: { params: ofResource, query: z.object({ lane }) },
  responses: { 200: json(Unpinned, 'The lane, and whether it was pinned') },
})
const disable = createRoute({
  method: 'post',
  path: `${RESOURCE}/versions/{version}/disable`,
  tags: ['Versions'],
  summary: 'Let no job take a version any more; runs that have it keep it',
  request: { params: ofVersion, body: body(z.object({ lane, reason })) },
  responses: standing,
})
const enable = createRoute({
  method: 'post',
  path: `${RESOURCE}/versions/{version}/enable`,
  tags: ['Versions'],
  summary: 'Let jobs take a version again',
  request: { params: ofVersion, body: { ...body(z.object({ lane })), required: false } },
  responses: standing,
})
const pause = createRoute({
  method: 'post',
  path: `${JOB}/pause`,
  tags: ['Pipelines'],
  summary: 'Let a job start nothing, on no lane, until it goes on; what is queued or runs goes its way',
  request: { params: ofJob, body: body(z.object({ reason })) },
  responses: going,
})
const resume = createRoute({
  method: 'post',
  path: `${JOB}/resume`,
  tags: ['Pipelines'],
  summary: 'Let a paused job go on',
  request: { params: ofJob },
  responses: going,
})
const pauseAll = createRoute({
  method: 'post',
  path: `${PIPELINE}/pause`,
  tags: ['Pipelines'],
  summary:
    'Let a whole pipeline start nothing, on no lane, until it goes on; what is queued waits, what runs goes its way',
  request: { params: ofPipeline, body: body(z.object({ reason })) },
  responses: { 200: json(PipelinePause, 'Whether it is paused now') },
})
const resumeAll = createRoute({
  method: 'post',
  path: `${PIPELINE}/resume`,
  tags: ['Pipelines'],
  summary: 'Let a paused pipeline go on',
  request: { params: ofPipeline },
  responses: { 200: json(PipelinePause, 'Whether it is paused now') },
})

type At = { readonly project: string; readonly pipeline: string; readonly resource: string }

export const decreeRoutes = ({ db }: { db: Db }) => {
  const resourceAt = async (at: At, wanted: string | undefined) => {
    const pipeline = await thePipeline(db, at.project, at.pipeline)
    const resource = await theResource(db, pipeline, at.resource)
    const lane = await theLane(db, pipeline, wanted)
    const home = await homeLane(db, { pipeline, lane: lane.id, resource: resource.name })
    return { resource, lane, home }
  }
  const jobAt = async ({ project, pipeline, job }: z.output<typeof ofJob>) =>
    theJob(db, await thePipeline(db, project, pipeline), job)
  return routes()
    .openapi(pin, async (c) => {
      const said = c.req.valid('json')
      const { resource, lane, home } = await resourceAt(c.req.valid('param'), said.lane)
      const found = await theVersion(db, { resource: resource.id, lane: home, name: said.version })
      const { reason } = said
      await pinVersion(db, { version: found, lane: lane.id }, { by: c.get('user'), reason })
      return c.json(await standingOf(db, found, lane.id), 200)
    })
    .openapi(unpin, async (c) => {
      const { resource, lane } = await resourceAt(c.req.valid('param'), c.req.valid('query').lane)
      const was = await unpinVersion(db, { resource: resource.id, lane: lane.id }, c.get('user'))
      return c.json({ resource: resource.name, lane: lane.name, unpinned: was }, 200)
    })
    .openapi(disable, async (c) => {
      const said = c.req.valid('json')
      const { version: name, ...at } = c.req.valid('param')
      const { resource, lane, home } = await resourceAt(at, said.lane)
      const found = await theVersion(db, { resource: resource.id, lane: home, name })
      await disableVersion(db, found, { by: c.get('user'), reason: said.reason })
      return c.json(await standingOf(db, found, lane.id), 200)
    })
    .openapi(enable, async (c) => {
      const said = c.req.header('content-type') ? c.req.valid('json') : {}
      const { version: name, ...at } = c.req.valid('param')
      const { resource, lane, home } = await resourceAt(at, said.lane)
      const found = await theVersion(db, { resource: resource.id, lane: home, name })
      await enableVersion(db, found, c.get('user'))
      return c.json(await standingOf(db, found, lane.id), 200)
    })
    .openapi(pause, async (c) => {
      const { name, ...job } = { ...(await jobAt(c.req.valid('param'))), of: 'job' as const }
      await stop(db, job, { by: c.get('user'), reason: c.req.valid('json').reason })
      return c.json({ job: name, paused: await pauseOf(db, job) }, 200)
    })
    .openapi(resume, async (c) => {
      const { name, ...job } = { ...(await jobAt(c.req.valid('param'))), of: 'job' as const }
      await goOn(db, job, c.get('user'))
      return c.json({ job: name, paused: await pauseOf(db, job) }, 200)
    })
    .openapi(pauseAll, async (c) => {
      const { project, pipeline } = c.req.valid('param')
      const { id } = await thePipeline(db, project, pipeline)
      await stop(db, { of: 'pipeline', id }, { by: c.get('user'), reason: c.req.valid('json').reason })
      return c.json({ project, pipeline, paused: await pauseOf(db, { of: 'pipeline', id }) }, 200)
    })
    .openapi(resumeAll, async (c) => {
      const { project, pipeline } = c.req.valid('param')
      const { id } = await thePipeline(db, project, pipeline)
      await goOn(db, { of: 'pipeline', id }, c.get('user'))
      return c.json({ project, pipeline, paused: await pauseOf(db, { of: 'pipeline', id }) }, 200)
    })
}
