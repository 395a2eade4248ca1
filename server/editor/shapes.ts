import { z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { Diagnostic } from '../catalog/shapes.ts'

export const MOST_TEXT = 1_000_000
export const name = z.string().max(100)
export const lane = z.string().min(1).max(MOST_REF_BYTES)
const text = z.string().max(MOST_TEXT)
const commit = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, { error: 'a commit is named by its whole hash' })

export const FileView = z
  .object({
    path: z.string(),
    text: z.string(),
    lane: z.string(),
    branch: z.string().nullable().openapi({ description: 'Null for a tag and a pull request' }),
    commit: z.string().openapi({ description: 'The commit that it was read at' }),
    hosted: z.boolean().openapi({ description: 'Whether Takt keeps the repository, and can commit to it' }),
    may_commit: z.boolean(),
  })
  .openapi('PipelineFileView')

export const Rehearsal = z
  .object({
    diagnostics: z.array(Diagnostic),
    line: z
      .object({
        resources: z.array(z.object({ name: z.string(), kind: z.string() })),
        jobs: z.array(
          z.object({
            name: z.string(),
            gets: z.array(z.object({ resource: z.string(), trigger: z.boolean() })),
            needs: z.array(z.object({ job: z.string(), trigger: z.boolean() })),
            puts: z.array(z.string()),
          }),
        ),
      })
      .nullable()
      .openapi({ description: 'Null where the file has errors' }),
    commit: z
      .object({ version: z.string(), author: z.string(), message: z.string() })
      .nullable()
      .openapi({ description: 'The commit that was rehearsed with; null where nothing was pushed yet' }),
    jobs: z.array(
      z.object({
        job: z.string(),
        fate: z.enum(['runs', 'passed', 'waits', 'manual', 'stays']),
        words: z.string(),
      }),
    ),
  })
  .openapi('Rehearsal')

export const Rehearse = z
  .object({
    text,
    lane: lane.default('main'),
    version: z.string().max(MOST_REF_BYTES).nullable().default(null).openapi({
      description: 'A commit of the lane, or a beginning of seven letters; without it the newest',
    }),
  })
  .openapi('Rehearse')

export const NewFile = z
  .object({
    text,
    message: z.string().trim().min(1, { error: 'say what the commit does' }).max(5_000),
    branch: z.string().min(1).max(MOST_REF_BYTES),
    onto: commit.nullable().openapi({
      description: 'The commit that the text was made from; null for the first commit of an empty repository',
    }),
  })
  .openapi('NewPipelineFile')

export const Committed = z.object({ commit: z.string(), branch: z.string() }).openapi('CommittedFile')
