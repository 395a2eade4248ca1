import { Hono } from 'hono'
import type { Access } from '#pipelines/access/roles.ts'
import { cctray, type WatchedJob } from '#pipelines/statuses/cctray.ts'
import { jobVerdict } from '#pipelines/statuses/verdict.ts'
import { identify } from '../access/authenticate.ts'
import { accessOf, mayIn } from '../access/grants.ts'
import { definitionAt, revisionMark } from '../catalog/definitions.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import type { HouseEnv } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { jobsNow } from './jobs-now.ts'

type Deps = { readonly db: Db; readonly publicUrl: () => string }

/** `/cctray.xml`: every job that the asker sees, on the lane of its default branch, for programs that watch builds. */
export const cctrayRoute = ({ db, publicUrl }: Deps) =>
  new Hono<HouseEnv>().get('/', async (c) => {
    const { authorization, cookie } = c.req.header()
    const who = await identify(db, { authorization: asBearer(authorization), cookie }).catch(challenged)
    if (who instanceof Response) return who
    const jobs = await watched(db, await accessOf(db, who), publicUrl())
    // Some programs show who they are only when they are asked.
    if (!who && jobs.length === 0) return challenged(new Problem('not-signed-in', WAYS_IN))
    return c.body(cctray(jobs), 200, {
      'content-type': 'application/xml; charset=utf-8',
      'cache-control': 'no-store',
    })
  })
const WAYS_IN = 'send any user name and an API token as the password, or `Authorization: Bearer <API token>`'

/** The password of Basic credentials is an API token, whatever the name beside it. One that cannot be read opens nothing either. */
function asBearer(authorization: string | undefined): string | undefined {
  const basic = /^Basic\s*(.{0,2000})/i.exec(authorization ?? '')?.[1]
  if (basic === undefined) return authorization
  const [, password = ''] = /^[^:]*:(\S{1,200})$/.exec(Buffer.from(basic, 'base64').toString('utf8')) ?? []
  return `Bearer ${password || 'nothing'}`
}

/** The refusal, with the question that makes a program send its password. @throws Whatever else it is. */
function challenged(error: unknown): Response {
  if (!(error instanceof Problem)) throw error
  const response = error.toResponse()
  response.headers.set('www-authenticate', 'Basic realm="Takt", charset="UTF-8"')
  return response
}

async function watched(db: Db, access: Access, publicUrl: string): Promise<WatchedJob[]> {
  const jobs = await jobsSeen(db, access)
  const now = new Map(
    (
      await jobsNow(
        db,
        jobs.map(({ id, lane }) => ({ job: id, lane })),
      )
    ).map((each) => [each.job, each]),
  )
  return jobs.map(({ id, name, pipeline, project }) => {
    const { legs = [], how = null, number = null, ended_at = null } = now.get(id) ?? {}
    const [at, of] = [project, pipeline].map(encodeURIComponent)
    return {
      name: `${project}/${pipeline}/${name}`,
      verdict: jobVerdict(legs.map((leg) => ({ ...leg, job: name }))),
      last: how && number !== null && ended_at ? { how, number, at: ended_at } : null,
      url: `${publicUrl}/p/${at}/${of}?job=${encodeURIComponent(name)}`,
    }
  })
}

/** The jobs of the files in force on default branches, in the order of their names and files. */
async function jobsSeen(db: Db, access: Access) {
  const lines = await db
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .innerJoin('lanes', (join) =>
      join.onRef('lanes.pipeline_id', '=', 'pipelines.id').on('lanes.name', '=', defaultLane),
    )
    .innerJoin('revisions', 'revisions.id', 'lanes.revision_id')
    .select(['pipelines.id as of', 'pipelines.name as pipeline', 'projects.name as project'])
    .select(['lanes.id as lane', 'revisions.id', revisionMark.as('mark')])
    .where(mayIn(access, 'viewer'))
    .orderBy('projects.name')
    .orderBy('pipelines.name')
    .execute()
  if (lines.length === 0) return []
  const known = await db
    .selectFrom('jobs')
    .select(['id', 'name', 'pipeline_id'])
    .where(
      'pipeline_id',
      'in',
      lines.map((line) => line.of),
    )
    .execute()
  const ids = new Map(known.map(({ id, name, pipeline_id }) => [`${pipeline_id} ${name}`, id]))
  const perLine = await Promise.all(
    lines.map(async ({ of, pipeline, project, lane, ...revision }) => {
      const names = (await definitionAt(db, revision))?.definition.jobs.map((job) => job.name) ?? []
      return names.flatMap((name) => {
        const id = ids.get(`${of} ${name}`)
        return id === undefined ? [] : [{ id, name, pipeline, project, lane }]
      })
    }),
  )
  return perLine.flat()
}
