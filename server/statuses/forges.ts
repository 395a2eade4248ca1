import { sql } from 'kysely'
import type { RepositoryId } from '#pipelines/ids.ts'
import type { Config } from '../config.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Forge } from './forge.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'

type Settings = Pick<
  Config,
  | 'GITHUB_API_URL'
  | 'GITHUB_TOKEN'
  | 'GITHUB_APP_ID'
  | 'GITHUB_APP_KEY'
  | 'GITLAB_URL'
  | 'GITLAB_TOKEN'
  | 'GITEA_URL'
  | 'GITEA_TOKEN'
>

/** The forges that this server has something to show for. An app is more than a token, so it comes first. */
export function forgesOf(settings: Settings): Forge[] {
  const { GITHUB_APP_ID: appId, GITHUB_APP_KEY: privateKey, GITHUB_TOKEN: token } = settings
  const access = appId && privateKey ? { appId, privateKey } : token ? { token } : null
  return [
    ...(access ? [github({ api: settings.GITHUB_API_URL, access })] : []),
    ...(settings.GITLAB_TOKEN ? [gitlab({ url: settings.GITLAB_URL, token: settings.GITLAB_TOKEN })] : []),
    ...(settings.GITEA_URL && settings.GITEA_TOKEN
      ? [gitea({ url: settings.GITEA_URL, token: settings.GITEA_TOKEN })]
      : []),
  ]
}

type Repository = { readonly id: RepositoryId; readonly kind: string; readonly url: string }
export type AtForge = { readonly forge: Forge; readonly repository: string }

/**
 * Where a repository's statuses go: to the forge whose host it lies on, else to the one that told of it last, which may know it by
 * another address. Null for those of nobody.
 */
export async function forgeOf(
  db: Db | Trx,
  forges: readonly Forge[],
  repository: Repository,
): Promise<AtForge | null> {
  if (repository.kind === 'hosted' || forges.length === 0) return null
  const url = new URL(repository.url)
  const path = url.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  const forge = hostOf(forges, url)
  if (forge && path.includes('/')) return { forge, repository: path }
  const told = await teller(db, repository.id)
  const by = told && forges.find(({ name }) => name === told.source)
  return by && told.name?.includes('/') ? { forge: by, repository: told.name } : null
}

/** By host and port; by the host alone where only one forge lies there, because ssh has a port of its own. */
function hostOf(forges: readonly Forge[], url: URL): Forge | undefined {
  const exact = forges.find(({ host }) => host === url.host)
  const near = forges.filter(({ host }) => host.split(':')[0] === url.hostname)
  return exact ?? (near.length === 1 ? near[0] : undefined)
}

/**
 * The forge whose delivery came last, and what it calls the repository. Only what was signed with the server's own secret counts: who
 * has a project's could name any repository, and our token may be good for it.
 */
async function teller(
  db: Db | Trx,
  id: RepositoryId,
): Promise<{ source: string; name: string | null } | null> {
  const { rows } = await sql<{ source: string; name: string | null }>`
    select source, coalesce(
      convert_from(body, 'UTF8')::json #>> '{repository,full_name}',
      convert_from(body, 'UTF8')::json #>> '{project,path_with_namespace}') as name
    from deliveries
    where repository_id = ${id} and project_id is null and source in ('github', 'gitlab', 'gitea')
    order by id desc limit 1`.execute(db)
  return rows[0] ?? null
}
