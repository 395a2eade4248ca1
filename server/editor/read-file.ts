import type { z } from 'zod'
import { reaches, type Role } from '#pipelines/access/roles.ts'
import { branchOfLane } from '#pipelines/plan/lanes.ts'
import type { ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { readText } from '../forges/objects.ts'
import { hostedDir, hostedRefs } from '../forges/repository.ts'
import type { LaneRow, PipelineRow } from '../lines/queries.ts'
import { Problem } from '../problem.ts'
import type { FileView } from './shapes.ts'

type Asked = {
  readonly project: ProjectRow
  readonly pipeline: PipelineRow
  readonly lane: LaneRow
  readonly role: Role
}

/**
 * A pipeline's file on a lane: of a repository of ours as its branch has it now, else as it was pushed last.
 *
 * @throws {Problem} `file-not-found`.
 */
export async function readFile(
  db: Db,
  dataDir: string,
  { project, pipeline, lane, role }: Asked,
): Promise<z.output<typeof FileView>> {
  const branch = lane.kind === 'push' ? branchOfLane(lane.name) : null
  const hosted = project.kind === 'hosted'
  const read =
    hosted && branch !== null
      ? await readHosted(dataDir, { repository: project.url, branch, path: pipeline.path })
      : await readPushed(db, lane)
  if (!read) throw new Problem('file-not-found', `\`${lane.name}\` has no ${pipeline.path}`)
  const may_commit = hosted && branch !== null && reaches(role, 'maintainer')
  return { ...read, path: pipeline.path, lane: lane.name, branch, hosted, may_commit }
}

type Place = { readonly repository: string; readonly branch: string; readonly path: string }

async function readHosted(dataDir: string, { repository, branch, path }: Place) {
  const commit = (await hostedRefs(dataDir, repository)).get(`refs/heads/${branch}`)
  if (commit === undefined) return null
  const text = await readText(hostedDir(dataDir, repository), { sha: commit, path })
  return text === null ? null : { text, commit }
}

async function readPushed(db: Db, { newest_revision_id }: LaneRow) {
  if (newest_revision_id === null) return null
  const row = await db
    .selectFrom('revisions')
    .select(['source as text', 'sha as commit'])
    .where('id', '=', newest_revision_id)
    .executeTakeFirst()
  return row ?? null
}
