import { z } from '@hono/zod-openapi'
import { TEST_STATES } from '#pipelines/reports/junit.ts'
import { REPORT_KINDS } from '#pipelines/reports/read-report.ts'

const count = z.number().int()
const percent = z
  .number()
  .nullable()
  .openapi({ description: 'Of lines, to two places; null where there are none' })

const Reports = z
  .array(
    z.object({
      kind: z.enum(REPORT_KINDS),
      path: z.string(),
      refusal: z.string().nullable().openapi({ description: 'Why it could not be read; null where it was' }),
    }),
  )
  .openapi('Reports')

export const TestResult = z
  .object({
    suite: z.string(),
    name: z.string(),
    state: z.enum(TEST_STATES),
    duration_ms: z.number().nullable(),
    message: z.string(),
    details: z.string(),
    new_failure: z
      .boolean()
      .openapi({ description: 'It failed, and did not in the run before it on the lane' }),
    flaky: z.boolean().openapi({
      description:
        'It failed and passed with the same versions, or keeps changing between the two on its lane',
    }),
  })
  .openapi('TestResult')

export const TestResults = z
  .object({
    summary: z.object({
      total: count,
      passed: count,
      failed: count,
      skipped: count,
      new_failures: count,
      flaky: count,
      duration_ms: z.number(),
    }),
    reports: Reports,
    items: z.array(TestResult),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
  })
  .openapi('TestResults')

export const JobTests = z
  .object({
    runs: count.openapi({ description: 'How many of the newest runs were looked at' }),
    items: z.array(
      z.object({
        suite: z.string(),
        name: z.string(),
        runs: count,
        failures: count,
        flaky: count.openapi({ description: 'In how many of the runs it was flaky' }),
        average_ms: z.number().nullable(),
        last_state: z.enum(TEST_STATES),
        last_run: count,
      }),
    ),
    next: z.null(),
  })
  .openapi('JobTests')

const counted = {
  lines_found: count,
  lines_hit: count,
  branches_found: count,
  branches_hit: count,
  percent,
}
const difference = z.number().nullable().openapi({
  description: 'In percentage points, to the run before it on the lane; null where there is none',
})

export const Coverage = z
  .object({
    summary: z
      .object({
        ...counted,
        files: count,
        difference,
        previous: z.object({ run: count, percent }).nullable(),
      })
      .nullable()
      .openapi({ description: 'Null where the run has reported no coverage' }),
    reports: Reports,
    items: z.array(z.object({ path: z.string(), ...counted, difference })),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
  })
  .openapi('Coverage')
