import { sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { RunId } from '#pipelines/ids.ts'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import type { Run } from './shapes.ts'

type Shown = z.output<typeof Run>

/** The runs of other pipelines that inputs of a run stand for, as far as who asks may see them. */
export async function followedRuns(db: Db, run: RunId, access: Access): Promise<Shown['follows']> {
  const { rows } = await sql<Shown['follows'][number]>`
    select resources.name as resource, ended.id as run, ended.number, jobs.name as job, pipelines.name as pipeline,
      projects.name as project
    from run_inputs join heard_ends on heard_ends.version_id = run_inputs.version_id
    join resources on resources.id = run_inputs.resource_id
    join runs ended on ended.id = heard_ends.ended_id join jobs on jobs.id = ended.job_id
    join pipelines on pipelines.id = jobs.pipeline_id join projects on projects.id = pipelines.project_id
    where run_inputs.run_id = ${run} and ${mayIn(access, 'viewer')}
    order by run_inputs.position`.execute(db)
  return rows
}

/** What became of the end of a run at those who follow its job, as far as who asks may see them. */
export async function followersOfRun(db: Db, run: RunId, access: Access): Promise<Shown['followers']> {
  const { rows } = await sql<Shown['followers'][number]>`
    select projects.name as project, pipelines.name as pipeline, resources.name as resource,
      versions.name as version, heard_ends.reason
    from heard_ends join resources on resources.id = heard_ends.resource_id
    left join versions on versions.id = heard_ends.version_id
    join pipelines on pipelines.id = resources.pipeline_id join projects on projects.id = pipelines.project_id
    where (heard_ends.run_id = ${run} or heard_ends.ended_id = ${run}) and ${mayIn(access, 'viewer')}
    order by projects.name, pipelines.name, resources.name limit 200`.execute(db)
  return rows
}
