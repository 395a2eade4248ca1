import { z } from '@hono/zod-openapi'

export const RANGES = ['24h', '7d', '30d', '90d'] as const
export type Range = (typeof RANGES)[number]

const Quantiles = z.object({ n: z.number(), p50_ms: z.number(), p95_ms: z.number() }).nullable().openapi({
  description: 'Read from buckets that grow by a tenth each: at most 5 % off. Null where there was nothing',
})

const counts = {
  succeeded: z.number(),
  allowed: z.number().openapi({ description: 'Failed, and their jobs may' }),
  failed: z.number(),
  errored: z.number(),
  cancelled: z.number(),
  duration: Quantiles.openapi({
    description: 'Of runs that succeeded or failed, without what they waited at gates',
  }),
  waiting: Quantiles.openapi({
    description: 'From when a run was made until a runner took it, without what it waited for people',
  }),
  lead: Quantiles.openapi({
    description:
      'From when a commit was known to the deployment that first brought it; of lines that deploy nothing, to the first green run of each of their last jobs on the default branch',
  }),
  restore: Quantiles.openapi({
    description: 'From the first such run that failed to the next of its job and lane that did not',
  }),
  deployments: z.number().openapi({ description: 'Runs with an `environment` that succeeded' }),
  deployments_failed: z.number(),
  slots: z.number().openapi({ description: 'How many slots were used on average' }),
}

export const MetricsPoint = z.object({ at: z.string(), ...counts }).openapi('MetricsPoint')

const place = { project: z.string(), pipeline: z.string(), job: z.string() }

export const Metrics = z
  .object({
    range: z.enum(RANGES),
    grain: z.enum(['hour', 'day']),
    zone: z.literal('UTC'),
    counted: z.number().openapi({ description: 'The event up to which runs are counted' }),
    points: z
      .array(MetricsPoint)
      .openapi({ description: 'Each hour or day of the range, the last one unfinished' }),
    total: z.object(counts),
    jobs: z
      .array(
        z.object({
          ...place,
          runs: z.number(),
          green: z.number(),
          average_ms: z.number(),
          longest_ms: z.number(),
          total_ms: z.number(),
        }),
      )
      .openapi({ description: 'The ten slowest on average' }),
    flaky: z
      .array(z.object({ ...place, suite: z.string(), name: z.string(), runs: z.number() }))
      .openapi({ description: 'The ten tests that were flaky in most runs' }),
  })
  .openapi('Metrics')
