import type { z } from 'zod'
import type { LaneId, PipelineId, RepositoryId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import { rehearse } from '#pipelines/plan/rehearse.ts'
import type { ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import type { CommitBody } from '../db/schema.ts'
import { escaped, LEAST_LETTERS } from '../lines/find-versions.ts'
import { newestVersions } from '../lines/newest-versions.ts'
import type { LaneRow, PipelineRow } from '../lines/queries.ts'
import { judgedFile } from '../policies/judge-file.ts'
import { Problem } from '../problem.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import { parseHere } from './parse-here.ts'
import type { Rehearsal } from './shapes.ts'

type Answer = z.output<typeof Rehearsal>
type Asked = {
  readonly project: ProjectRow
  /** Null while nothing was pushed. */
  readonly at: { readonly pipeline: PipelineRow; readonly lane: LaneRow } | null
  readonly lane: string
  readonly text: string
  readonly version: string | null
}

/**
 * What a file would be worth if it were pushed: what the validator and the policies say, the line it draws, and how far a commit
 * that was pushed before would come by it.
 *
 * @throws {Problem} `version-not-found`.
 */
export async function rehearseFile(
  db: Db,
  dataDir: string,
  { project, at, lane, text, version }: Asked,
): Promise<Answer> {
  const { parsed } = await judgedFile(db, project, {
    ...{ lane, text },
    parsed: await parseHere(dataDir, project, text),
  })
  const diagnostics = [...parsed.diagnostics]
  const commit = at && (await commitOf(db, { at, repository: project.repository_id, version }))
  const words = commit && { version: commit.name, author: commit.body.author, message: commit.body.message }
  if (!parsed.pipeline) return { diagnostics, line: null, commit: words, jobs: [] }
  const { pipeline: definition } = parsed
  const line = lineOf(definition)
  if (!at || !commit) return { diagnostics, line, commit: null, jobs: [] }
  const { body, changed } = commit
  const jobs = rehearse(definition, {
    ...{ project: project.name, pipeline: at.pipeline.name },
    lane: { name: at.lane.name, kind: at.lane.kind },
    commit: {
      ...{ name: commit.name, ref: body.ref, message: body.message, changed },
      fields: fieldsOfVersion(commit),
    },
    newest: await newestVersions(db, { pipeline: at.pipeline, lane: at.lane.id, definition }),
  })
  return { diagnostics, line, commit: words, jobs }
}

const lineOf = ({ resources, jobs }: Pipeline): Answer['line'] => ({
  resources: resources.map(({ name, kind }) => ({ name, kind })),
  jobs: jobs.map((job) => ({
    name: job.name,
    gets: job.gets.map(({ resource, trigger }) => ({ resource, trigger })),
    needs: job.needs.map((need) => ({ job: need.job, trigger: need.trigger })),
    puts: putsOf(job),
  })),
})

type Wanted = {
  readonly at: { readonly pipeline: { readonly id: PipelineId }; readonly lane: { readonly id: LaneId } }
  readonly repository: RepositoryId
  readonly version: string | null
}

/** A commit of the project's own repository that came to the lane: the one that is named, else the newest. */
async function commitOf(db: Db, { at, repository, version }: Wanted) {
  let commits = db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select(['versions.name', 'versions.body', 'versions.changed'])
    .where('resources.pipeline_id', '=', at.pipeline.id)
    .where('resources.repository_id', '=', repository)
    .where('versions.lane_id', '=', at.lane.id)
  if (version !== null)
    commits = commits.where(
      'versions.name',
      'like',
      version.length < LEAST_LETTERS ? escaped(version) : `${escaped(version)}%`,
    )
  const row = await commits.orderBy('versions.seq', 'desc').limit(1).executeTakeFirst()
  if (!row && version !== null)
    throw new Problem('version-not-found', `no commit of this lane is called \`${version}\``)
  return row && 'ref' in row.body ? { ...row, body: row.body satisfies CommitBody } : null
}
