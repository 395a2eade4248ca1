import { z } from '@hono/zod-openapi'
import { PULL_HEAD_STATES } from '#pipelines/states.ts'

const time = z.string().openapi({ format: 'date-time' })

export const PullHead = z
  .object({
    id: z.number().int().positive(),
    project: z.string(),
    number: z.number().int().positive(),
    lane: z.string().openapi({ description: 'Where its runs will be' }),
    title: z.string(),
    author: z.string().openapi({ description: 'As the forge calls its author' }),
    base: z.string().openapi({ description: 'The branch that it is to be merged into' }),
    head: z.string().openapi({ description: 'The commit that is asked about, and no other' }),
    url: z.string().nullable().openapi({ description: 'Where to read it; null where that is not known' }),
    state: z.enum(PULL_HEAD_STATES),
    decided_by: z.string().nullable(),
    comment: z.string().nullable(),
    refusal: z.string().nullable().openapi({
      description: 'Why the asker may not decide; null where they may, and where nobody is asked',
    }),
    asked_at: time,
    closed_at: time.nullable(),
  })
  .openapi('PullHead')

export const PullHeadList = z
  .object({
    items: z.array(PullHead),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
  })
  .openapi('PullHeadList')
