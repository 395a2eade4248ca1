import { type RawBuilder, sql } from 'kysely'

const words = (by: string, how: string, reason: string) => sql<string>`'paused by ' ||
  coalesce((select users.name from users where users.id = ${sql.ref(by)}), 'somebody') || ${sql.lit(how)} || ${sql.ref(reason)}`

const ofPipeline = words('pipelines.paused_by', ', the whole pipeline: ', 'pipelines.paused_reason')

/** Beside rows of `jobs` and `pipelines`: by whom and why a job starts nothing, in words; null where it goes. */
export const pausedWords: RawBuilder<string | null> = sql`case
  when jobs.paused_at is not null then ${words('jobs.paused_by', ': ', 'jobs.paused_reason')}
  when pipelines.paused_at is not null then ${ofPipeline} end`

/** By whom and why the whole pipeline of this job is paused, in words; null where it goes. */
export const pipelinePausedWords = (job: string): RawBuilder<string | null> => sql`(
  select ${ofPipeline} from jobs join pipelines on pipelines.id = jobs.pipeline_id
  where jobs.id = ${sql.ref(job)} and pipelines.paused_at is not null)`

/**
 * Beside a row of `runs`: its pipeline goes. It is a scalar, and no join, so that the first due run is still found by its index.
 */
export const itsPipelineGoes: RawBuilder<boolean> = sql`(
  select pipelines.paused_at is null from jobs join pipelines on pipelines.id = jobs.pipeline_id where jobs.id = runs.job_id)`
