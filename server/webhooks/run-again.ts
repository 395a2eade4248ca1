import type { RepositoryId, RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { rerunFailed } from '../runs/rerun-failed.ts'
import type { Again } from './read-github-more.ts'
import type { Delivery } from './sort.ts'

type Deps = { readonly db: Db; readonly publicUrl: () => string }
type Asked = Again & { readonly repository: RepositoryId; readonly delivery: Pick<Delivery, 'headers'> }

/**
 * Somebody had a check run again at GitHub: what stopped the commit on its way down the line runs again, as by the button here. Checks of
 * others are none of our business: ours are known by the page that they link to, and a suite of ours by the app that tells of it.
 */
export async function runAgain(
  { db, publicUrl }: Deps,
  { sha, by, of, repository, delivery }: Asked,
): Promise<{ readonly runs: number; readonly words: string }> {
  const line = 'page' in of ? lineAt(publicUrl(), of.page) : null
  if ('page' in of && !line) return { runs: 0, words: 'the check is somebody else’s' }
  if ('app' in of && of.app !== ownApp(delivery)) return { runs: 0, words: 'the checks are another app’s' }
  const again: RunId[] = []
  for (const at of await heldBy(db, { sha, repository, line }))
    again.push(...(await rerunFailed(db, at, { id: null, name: `${by} at GitHub` })))
  const words = again.length > 0 ? `run again as ${again.join(', ')}` : 'nothing of that commit has failed'
  return { runs: again.length, words: `${by} asks for ${sha.slice(0, 7)} once more: ${words}` }
}

/** The app to which GitHub sent the delivery; null where it was a repository's hook. */
const ownApp = ({ headers }: Pick<Delivery, 'headers'>): string | null =>
  headers?.['x-github-hook-installation-target-type'] === 'integration'
    ? (headers['x-github-hook-installation-target-id'] ?? null)
    : null

type Line = { readonly project: string; readonly pipeline: string }

/** The line whose page of ours this is. */
function lineAt(publicUrl: string, page: string): Line | null {
  if (!URL.canParse(page) || new URL(page).origin !== new URL(publicUrl).origin) return null
  const [, project, pipeline] = /^\/p\/([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(new URL(page).pathname) ?? []
  return project !== undefined && pipeline !== undefined ? { project, pipeline } : null
}

type Held = { readonly sha: string; readonly repository: RepositoryId; readonly line: Line | null }

/** The versions that a commit of the repository is, on each lane; once for each line. */
function heldBy(db: Db, { sha, repository, line }: Held) {
  let versions = db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .distinctOn(['pipelines.id', 'versions.lane_id'])
    .select(['pipelines.id as pipeline', 'versions.lane_id as lane', 'versions.id as version'])
    .where('versions.name', '=', sha)
    .where('resources.repository_id', '=', repository)
    .where('projects.repository_id', '=', repository)
  if (line)
    versions = versions.where('projects.name', '=', line.project).where('pipelines.name', '=', line.pipeline)
  return versions.orderBy('pipelines.id').orderBy('versions.lane_id').orderBy('versions.id').execute()
}
