import type { ProjectId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import {
  type AtForge,
  type ForgePlace,
  forgeByHost,
  forgeOf,
  type ForgeRepository,
} from '../forges/forge-of.ts'
import { type ForgeSettings, githubAccess } from '../forges/forge-settings.ts'
import { githubHost } from '../forges/github-client.ts'
import { hasOwnToken } from '../forges/own-token.ts'
import type { Forge } from './forge.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'

/** A forge that this server knows the address of. */
export type KnownForge = ForgePlace & {
  /** By what the server itself has to show there; null where it has nothing. */
  readonly own: Forge | null
  /** By a token of a project's. */
  by(token: string): Forge
}

/** Their addresses are the operator's, so that nobody's token goes where somebody else says. */
export function forgesOf(settings: ForgeSettings): KnownForge[] {
  const { GITHUB_API_URL: api, GITLAB_URL, GITLAB_TOKEN, GITEA_URL, GITEA_TOKEN } = settings
  const access = githubAccess(settings)
  const atGitlab = (token: string) => gitlab({ url: GITLAB_URL, token })
  const known: KnownForge[] = [
    {
      ...{ name: 'github', host: githubHost(api), own: access && github({ api, access }) },
      by: (token) => github({ api, access: { token } }),
    },
    {
      ...{
        name: 'gitlab',
        host: new URL(GITLAB_URL).host,
        own: GITLAB_TOKEN ? atGitlab(GITLAB_TOKEN) : null,
      },
      by: atGitlab,
    },
  ]
  if (GITEA_URL === undefined) return known
  const atGitea = (token: string) => gitea({ url: GITEA_URL, token })
  const own = GITEA_TOKEN ? atGitea(GITEA_TOKEN) : null
  return [...known, { name: 'gitea', host: new URL(GITEA_URL).host, own, by: atGitea }]
}

export type ToBeTold = AtForge<KnownForge> & { readonly byOwnToken: boolean }

/** Where a repository's statuses go, and by whose token. A project's own goes to the host of its repository alone. */
export async function forgeFor(
  db: Db | Trx,
  forges: readonly KnownForge[],
  { project, repository }: { readonly project: ProjectId; readonly repository: ForgeRepository },
): Promise<ToBeTold | null> {
  const own = (await hasOwnToken(db, project)) ? forgeByHost(forges, repository) : null
  if (own) return { ...own, byOwnToken: true }
  const openToUs = forges.filter((forge) => forge.own !== null)
  const at = await forgeOf(db, openToUs, repository)
  return at && { ...at, byOwnToken: false }
}
