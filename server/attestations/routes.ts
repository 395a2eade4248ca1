import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'

const name = z.string().max(100)
export const Attestations = z
  .object({
    items: z.array(
      z.object({
        run: z.int(),
        key: z.string(),
        created_at: z.string().openapi({ format: 'date-time' }),
        envelope: z
          .object({
            payloadType: z.string(),
            payload: z.string(),
            signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })).readonly(),
          })
          .openapi({ description: 'DSSE; the payload is an in-toto statement with SLSA provenance' }),
      }),
    ),
    next: z.null(),
  })
  .openapi('Attestations')
export const AttestationKeys = z.object({
  keys: z.array(z.object({ keyid: z.string(), public_key: z.string(), since: z.string() })),
})

const show = createRoute({
  method: 'get',
  path: '/projects/{project}/pipelines/{pipeline}/resources/{resource}/versions/{version}/attestation',
  tags: ['Versions'],
  summary: 'How a version that runs put came to be, signed: the newest first',
  request: {
    params: z.object({
      ...{ project: name, pipeline: name, resource: name },
      version: z.string().min(1).max(MOST_REF_BYTES).openapi({ description: 'The version’s whole name' }),
    }),
    query: z.object({ lane: z.string().max(MOST_REF_BYTES).optional() }),
  },
  responses: { 200: json(Attestations, 'One for each run that put it; on any lane unless one is named') },
})
const MOST = 20

export const attestationRoutes = ({ db }: { db: Db }) =>
  routes().openapi(show, async (c) => {
    const { project, pipeline, resource, version } = c.req.valid('param')
    const { lane } = c.req.valid('query')
    let found = db
      .selectFrom('attestations')
      .innerJoin('versions', 'versions.id', 'attestations.version_id')
      .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
      .innerJoin('resources', 'resources.id', 'versions.resource_id')
      .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
      .innerJoin('projects', 'projects.id', 'pipelines.project_id')
      .select(['run_id as run', 'key_id as key', 'attestations.created_at', 'envelope'])
      .where('projects.name', '=', project)
      .where('pipelines.name', '=', pipeline)
      .where('resources.name', '=', resource)
      .where('versions.name', '=', version)
    if (lane !== undefined) found = found.where('lanes.name', '=', lane)
    const rows = await found.orderBy('run_id', 'desc').limit(MOST).execute()
    if (rows.length === 0)
      throw new Problem(
        'attestation-not-found',
        `no run put a version \`${version}\` of ${project}/${pipeline}/${resource} since provenance is signed`,
      )
    const items = rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }))
    return c.json({ items, next: null }, 200)
  })

/** The public keys that this server ever signed with, for everybody: what they open was signed here. */
export async function attestationKeys(db: Db): Promise<z.output<typeof AttestationKeys>> {
  const rows = await db
    .selectFrom('attestation_keys')
    .selectAll()
    .orderBy('created_at')
    .limit(1_000)
    .execute()
  return {
    keys: rows.map(({ id, public_key, created_at }) => ({
      keyid: id,
      public_key,
      since: created_at.toISOString(),
    })),
  }
}
