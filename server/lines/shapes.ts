import { z } from '@hono/zod-openapi'
import { OwnRole, Revision } from '../catalog/shapes.ts'
import { Leg, RunSummary } from '../runs/shapes.ts'
import { ChainRun } from './chain-shapes.ts'

const time = z.string().openapi({ format: 'date-time' })

/** What a person decided, and why. */
export const Decree = z
  .object({
    by: z.string().nullable().openapi({ description: 'Null when that account is gone' }),
    reason: z.string(),
    at: time,
  })
  .openapi('Decree')

/** The one version that jobs on a lane take. */
export const Pin = Decree.extend({ version: z.string() }).openapi('Pin')

/** Why a person decides something, as they are asked for it. */
export const Reason = z
  .string()
  .trim()
  .min(1, { error: 'say why: everybody who waits for it reads it' })
  .max(1_000)
  .openapi({ description: 'Why; everybody who waits for it reads it' })

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

/** How looking for versions outside stands. */
export const Check = z
  .object({
    every_ms: z.number().int(),
    checked_at: time.nullable(),
    next_at: time.nullable().openapi({ description: 'Null while it is under way' }),
    running: z.boolean(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    waits: z.string().nullable().openapi({ description: 'Why it is not under way although it is due' }),
  })
  .openapi('Check')

/** The job of another pipeline that a resource follows. */
const Upstream = z
  .object({
    project: z.string(),
    pipeline: z.string(),
    job: z.string(),
    lanes: z.array(z.string()).readonly().openapi({ description: 'Globs; none: the default branch’s' }),
    visible: z.boolean().openapi({ description: 'Whether you may look at it' }),
    problem: z.string().nullable().openapi({ description: 'Why nothing can come of it' }),
    refused: z
      .object({ run: z.number().int().positive(), reason: z.string(), at: time })
      .nullable()
      .openapi({ description: 'The newest end that was heard, where it became no version' }),
  })
  .openapi('Upstream')

const field = {
  name: z.string(),
  label: z.string().nullable(),
  default: z.string().nullable(),
  required: z.boolean(),
}
const bound = z.number().nullable()

/** One thing that a job asks a person for. */
export const FormField = z
  .discriminatedUnion('kind', [
    z.object({ ...field, kind: z.literal('text'), min: bound, max: bound }),
    z.object({ ...field, kind: z.literal('number'), min: bound, max: bound, step: bound }),
    z.object({ ...field, kind: z.literal('bool') }),
    z.object({ ...field, kind: z.literal('choice'), choices: z.array(z.string()).readonly() }),
  ])
  .openapi('FormField')

export const PipelineView = z
  .object({
    project: z.string(),
    name: z.string(),
    role: OwnRole,
    paused: Decree.nullable().openapi({ description: 'Who decided that the whole line starts nothing' }),
    removed: time.nullable().openapi({ description: 'Since when the default branch has no file of it' }),
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
        repository: z.string().openapi({ description: 'Where it lies; empty where that is nowhere outside' }),
        branch: z.string().nullable(),
        newest: Version.nullable(),
        check: Check.nullable().openapi({ description: 'Null where nothing looks for its versions outside' }),
        paused: Decree.nullable().openapi({ description: 'Who decided that its versions start nothing' }),
        upstream: Upstream.nullable().openapi({ description: 'Of a resource that follows a job of others' }),
        pinned: Pin.nullable().openapi({ description: 'The one version that jobs on this lane take' }),
      }),
    ),
    jobs: z.array(
      z.object({
        name: z.string(),
        gets: z.array(z.object({ resource: z.string(), trigger: z.boolean() })),
        needs: z.array(z.object({ job: z.string(), trigger: z.boolean() })),
        puts: z.array(z.string()).openapi({ description: 'The resources that a step of it puts' }),
        image: z.string().nullable(),
        inputs: z.array(FormField).readonly().openapi({ description: 'What a start by hand asks for' }),
        last_run: RunSummary.nullable(),
        legs: z.array(Leg).openapi({
          description: 'The newest run of every leg, where the last run is one of a matrix; else none',
        }),
        waiting: z.string().nullable().openapi({ description: 'What the job waits for, in words' }),
        paused: Decree.nullable().openapi({ description: 'Who decided that it starts nothing by itself' }),
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
        paused: Decree.nullable().openapi({ description: 'Who decided that the whole line starts nothing' }),
        removed: time.nullable().openapi({ description: 'Since when the default branch has no file of it' }),
        paused_jobs: z.array(z.string()).openapi({ description: 'Jobs that are paused by themselves' }),
        recent_runs: z.array(RunSummary).openapi({ description: 'The newest ten, newest first' }),
      }),
    ),
    next: z.string().nullable(),
  })
  .openapi('PipelineList')

/** What was decided about a version, and about the lane that takes it. */
export const VersionStanding = z
  .object({
    resource: z.string(),
    lane: z.string(),
    version: z.string(),
    pinned: Decree.nullable(),
    disabled: Decree.nullable(),
  })
  .openapi('VersionStanding')
export const Unpinned = z.object({ resource: z.string(), lane: z.string(), unpinned: z.boolean() })
export const JobPause = z.object({ job: z.string(), paused: Decree.nullable() }).openapi('JobPause')

export const PipelinePause = z
  .object({ project: z.string(), pipeline: z.string(), paused: Decree.nullable() })
  .openapi('PipelinePause')

export const ResourcePause = z
  .object({ resource: z.string(), paused: Decree.nullable() })
  .openapi('ResourcePause')

export const VersionList = z
  .object({
    resource: z.string(),
    lane: z.string(),
    items: z.array(
      Version.extend({
        seq: z.number().int().openapi({ description: 'Its place in the lane: higher is newer' }),
        forced: z.boolean().openapi({ description: 'It came by a force-push' }),
        left: z.boolean().openapi({ description: 'A force-push left it behind: no job takes it by itself' }),
        disabled: Decree.nullable().openapi({ description: 'Who decided that no job takes it' }),
        pinned: Decree.nullable().openapi({ description: 'Who decided that jobs take only this one' }),
        used: z.boolean().openapi({ description: 'Some run was created with it' }),
        attested: z.boolean().openapi({ description: 'How it came to be is signed: see its `attestation`' }),
        changed: z
          .number()
          .int()
          .nullable()
          .openapi({ description: 'How many paths it changed; null where that is not known' }),
      }).openapi('LaneVersion'),
    ),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
  })
  .openapi('VersionList')

const run = z.number().int().positive()
/** How far a commit got. */
export const Trace = z
  .object({
    version: z.string().openapi({ description: 'Its whole name' }),
    title: z.string().nullable(),
    author: z.string().nullable(),
    environments: z.array(
      z.object({
        name: z.string(),
        pipeline: z.string(),
        lane: z.string(),
        job: z.string(),
        run,
        since: time,
        state: z.enum(['here', 'was here', 'on its way', 'failed']),
      }),
    ),
    lines: z.array(
      z.object({
        pipeline: z.string(),
        lane: z.string(),
        resource: z.string(),
        recorded_at: time,
        newest: z.boolean().openapi({ description: 'No newer version of the resource is on the lane' }),
        left: z.boolean(),
        disabled: Decree.nullable(),
        jobs: z
          .array(
            z.object({
              job: z.string(),
              run: ChainRun.nullable(),
              legs: z.array(ChainRun).openapi({
                description: 'The newest run of every leg, where that is one of a matrix; else none',
              }),
            }),
          )
          .openapi({ description: 'Each job’s newest run with it, or with something that came of it' }),
      }),
    ),
  })
  .openapi('Trace')
