import { sql } from 'kysely'
import type { RepositoryId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { ForgeName } from '../db/status-tables.ts'

export type ForgeRepository = { readonly id: RepositoryId; readonly kind: string; readonly url: string }
/** Somebody else's git server, with an API beside it. */
export type ForgePlace = {
  readonly name: ForgeName
  /** The host whose repositories are its own. */
  readonly host: string
}
export type AtForge<Forge extends ForgePlace> = { readonly forge: Forge; readonly repository: string }

/**
 * The forge that a repository lies on: the one with its host, else the one that told of it last, which may know it by another address.
 * Null for those of nobody.
 */
export async function forgeOf<Forge extends ForgePlace>(
  db: Db | Trx,
  forges: readonly Forge[],
  repository: ForgeRepository,
): Promise<AtForge<Forge> | null> {
  if (repository.kind === 'hosted' || forges.length === 0) return null
  const byHost = forgeByHost(forges, repository)
  if (byHost) return byHost
  const told = await teller(db, repository.id)
  const by = told && forges.find(({ name }) => name === told.source)
  return by && told.name?.includes('/') ? { forge: by, repository: told.name } : null
}

/** The forge whose host a repository lies on. */
export function forgeByHost<Forge extends ForgePlace>(
  forges: readonly Forge[],
  { kind, url: address }: ForgeRepository,
): AtForge<Forge> | null {
  if (kind === 'hosted') return null
  const url = new URL(address)
  const path = url.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  const forge = hostOf(forges, url)
  return forge && path.includes('/') ? { forge, repository: path } : null
}

/** By host and port; by the host alone where only one forge lies there, because ssh has a port of its own. */
function hostOf<Forge extends ForgePlace>(forges: readonly Forge[], url: URL): Forge | undefined {
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
    where repository_id = ${id} and project_id is null and body is not null and source in ('github', 'gitlab', 'gitea')
    order by id desc limit 1`.execute(db)
  return rows[0] ?? null
}
