import { z } from '@hono/zod-openapi'
import { Revision } from '../catalog/shapes.ts'
import { RunSummary } from '../runs/shapes.ts'

const time = z.string().openapi({ format: 'date-time' })

export const Version = z
  .object({
    name: z.string(),
    title: z.string().nullable(),
    author: z.string().nullable(),
    ref: z.string().nullable(),
    forced: z.boolean().openapi({
      description: 'It came by a force-push: what was newest until then is not among its ancestors',
    }),
    created_at: time,
  })
  .openapi('Version')

export const PipelineView = z
  .object({
    project: z.string(),
    name: z.string(),
    path: z.string(),
    lane: z.string().nullable().openapi({ description: 'The lane shown; null before the first push' }),
    lanes: z.array(z.object({ name: z.string(), touched_at: time, closed: z.boolean() })),
    revision: Revision.nullable().openapi({
      description: 'The last good file of the lane: what the line runs by',
    }),
    newest_revision: Revision.nullable().openapi({
      description: 'The last file read; it differs from `revision` when it is not valid',
    }),
    resources: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        repository: z.string(),
        branch: z.string().nullable(),
        newest: Version.nullable(),
      }),
    ),
    jobs: z.array(
      z.object({
        name: z.string(),
        gets: z.array(z.object({ resource: z.string(), trigger: z.boolean() })),
        needs: z.array(z.object({ job: z.string(), trigger: z.boolean() })),
        image: z.string().nullable(),
        last_run: RunSummary.nullable(),
        waiting: z.string().nullable().openapi({ description: 'What the job waits for, in words' }),
      }),
    ),
  })
  .openapi('Pipeline')

export const PipelineList = z
  .object({
    items: z.array(
      z.object({
        project: z.string(),
        name: z.string(),
        valid: z
          .boolean()
          .openapi({ description: 'False when the newest file of the default lane is broken' }),
        recent_runs: z.array(RunSummary).openapi({ description: 'The newest ten, newest first' }),
      }),
    ),
    next: z.string().nullable(),
  })
  .openapi('PipelineList')
