import { createRoute, z } from '@hono/zod-openapi'
import { branchOf, type Start, STARTS } from '#pipelines/plan/secret-scopes.ts'
import { isTrusted, secretNames } from '#pipelines/plan/secrets-in.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { chooseSecrets, type SecretCandidate } from '../secrets/open.ts'
import { STORES } from '../secrets/stores/store.ts'
import { theLane, thePipeline } from './the-place.ts'

const name = z.string().max(100)
const Meant = z.object({
  owner: z.enum(['project', 'organization']),
  environment: z.string().nullable(),
  job: z.string().nullable(),
  trigger: z.enum(STARTS).nullable(),
  branch: z.string().nullable(),
  store: z.enum(STORES).nullable().openapi({ description: 'Where its value lies; null: here' }),
})
export const SecretOfJob = z
  .object({
    name: z.string(),
    chosen: Meant.nullable().openapi({
      description: 'The secret that the job gets; null where there is none',
    }),
    passed_over: z.array(Meant.extend({ because: z.string() })),
  })
  .openapi('SecretOfJob')

const explain = createRoute({
  method: 'get',
  path: '/projects/{project}/pipelines/{pipeline}/jobs/{job}/secrets',
  tags: ['Secrets'],
  summary: 'Which secrets a job asks for, which one of each name it gets, and why not the others',
  request: {
    params: z.object({ project: name, pipeline: name, job: name }),
    query: z.object({
      lane: z.string().max(500).optional().openapi({ description: 'Without it the default branch’s' }),
      trigger: z
        .enum(STARTS)
        .optional()
        .openapi({ description: 'What starts the run; without it what makes the lane' }),
    }),
  },
  responses: {
    200: json(
      z.object({
        lane: z.string(),
        trigger: z.enum(STARTS).nullable(),
        trusted: z.boolean().openapi({ description: 'Lanes of pull requests are not, and get none' }),
        items: z.array(SecretOfJob),
      }),
      'By name',
    ),
  },
})

/** What a job would get, before it runs. */
export const secretOfJobRoutes = ({ db }: { db: Db }) =>
  routes().openapi(explain, async (c) => {
    const at = c.req.valid('param')
    const { lane: laneName, trigger: asked } = c.req.valid('query')
    const pipeline = await thePipeline(db, at.project, at.pipeline)
    const lane = await theLane(db, pipeline, laneName)
    const definition = (await definitionOf(db, lane.id))?.definition
    const job = definition?.jobs.find((each) => each.name === at.job)
    if (!definition || !job)
      throw new Problem('job-not-found', `the file of ${lane.name} has no job \`${at.job}\``)
    const trigger: Start | null = asked ?? (lane.kind === 'pull_request' ? null : lane.kind)
    const trusted = isTrusted(lane.kind)
    const asking = {
      job: job.name,
      environment: job.environment,
      branch: branchOf(lane),
      starts: trigger === null ? [] : [trigger],
    }
    const names = secretNames(job, definition).toSorted()
    const choices = await chooseSecrets(db, { project: pipeline.project_id, names, asking })
    const items = [...choices].map(([secret, { chosen, passedOver }]) => ({
      name: secret,
      chosen: chosen && trusted ? meant(chosen) : null,
      passed_over: [
        ...(chosen && !trusted ? [{ ...meant(chosen), because: 'pull requests get no secrets' }] : []),
        ...passedOver.map(({ candidate, because }) => ({ ...meant(candidate), because })),
      ],
    }))
    return c.json({ lane: lane.name, trigger, trusted, items }, 200)
  })

const meant = (row: SecretCandidate): z.output<typeof Meant> => ({
  ...{ owner: row.owner, environment: row.environment, job: row.job, trigger: row.trigger },
  ...{ branch: row.branch, store: row.store },
})
