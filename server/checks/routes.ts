import { createRoute, z } from '@hono/zod-openapi'
import { resourceSecret } from '../access/derive.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { checksOf } from '../lines/check-standing.ts'
import { pauseOf } from '../lines/decisions.ts'
import { Check } from '../lines/shapes.ts'
import { thePipeline, theResource } from '../lines/the-place.ts'
import { Problem } from '../problem.ts'
import { checkNow } from './check-now.ts'

const name = z.string().max(100)
const params = z.object({ project: name, pipeline: name, resource: name })
const PATH = '/projects/{project}/pipelines/{pipeline}/resources/{resource}'

export const ResourceView = z
  .object({
    project: z.string(),
    pipeline: z.string(),
    name: z.string(),
    kind: z.string(),
    check: Check.nullable().openapi({ description: 'Null where nothing looks for its versions outside' }),
  })
  .openapi('Resource')
const Hook = z
  .object({
    url: z.string(),
    token: z.string().openapi({ description: 'Send it as the header `x-takt-token`' }),
  })
  .openapi('ResourceHook')

const get = createRoute({
  method: 'get',
  path: PATH,
  tags: ['Versions'],
  summary: 'A resource, and how the checks for its versions stand',
  request: { params },
  responses: { 200: json(ResourceView, 'The resource') },
})
const check = createRoute({
  method: 'post',
  path: `${PATH}/check`,
  tags: ['Versions'],
  summary: 'Look for new versions of a resource now',
  request: { params },
  responses: { 202: json(ResourceView, 'It is looked for') },
})
const hook = createRoute({
  method: 'get',
  path: `${PATH}/hook`,
  tags: ['Versions'],
  summary: 'The address at which others say that there is something new to look for',
  request: { params },
  responses: { 200: json(Hook, 'Where to POST') },
})

type Deps = {
  readonly db: Db
  readonly secretKeys: () => readonly string[]
  readonly publicUrl: () => string
}
type At = z.output<typeof params>

export const checkRoutes = ({ db, secretKeys, publicUrl }: Deps) => {
  const resourceAt = async ({ project, pipeline, resource }: At) => {
    const found = await thePipeline(db, project, pipeline)
    return { found, row: await theResource(db, found, resource) }
  }
  const view = async (
    { project, pipeline, resource }: At,
    found: Awaited<ReturnType<typeof thePipeline>>,
  ) => {
    const { kind } = await theResource(db, found, resource)
    const standing = (await checksOf(db, found.id)).get(resource) ?? null
    return { project, pipeline, name: resource, kind, check: standing }
  }
  return routes()
    .openapi(get, async (c) => {
      const at = c.req.valid('param')
      return c.json(await view(at, (await resourceAt(at)).found), 200)
    })
    .openapi(check, async (c) => {
      const at = c.req.valid('param')
      const { found, row } = await resourceAt(at)
      const paused = await pauseOf(db, { of: 'resource', ...row })
      if (paused)
        throw new Problem(
          'nothing-to-check',
          `\`${row.name}\` is paused by ${paused.by ?? 'somebody'}: ${paused.reason}; resume it, and it is looked at when it is due`,
        )
      if (!(await checkNow(db, row.id)))
        throw new Problem(
          'nothing-to-check',
          `nothing looks for versions of \`${row.name}\`: no job on the default branch gets it, or its versions come by themselves`,
        )
      return c.json(await view(at, found), 202)
    })
    .openapi(hook, async (c) => {
      const at = c.req.valid('param')
      await resourceAt(at)
      const { project, pipeline, resource } = at
      const url = `${publicUrl()}/hooks/resources/${project}/${pipeline}/${resource}`
      return c.json({ url, token: resourceSecret(secretKeys()[0] ?? '', at) }, 200)
    })
}
