import type { ForgePlace } from './forge-of.ts'
import type { ForgeSettings } from './forge-settings.ts'
import { githubAccess } from './forge-settings.ts'
import { giteaPulls } from './gitea-pulls.ts'
import { githubHost } from './github-client.ts'
import { githubPulls } from './github-pulls.ts'
import { gitlabPulls } from './gitlab-pulls.ts'
import type { PullForge } from './pull-lists.ts'

/** A forge whose pull requests are listed by whoever has a token for them. */
export type KnownPullForge = ForgePlace & {
  /** By what the server itself has to show there; null where it has nothing. */
  readonly own: PullForge | null
  /** By a token of a project's. */
  by(token: string): PullForge
}

/** Their addresses are the operator's, so that nobody's token goes where somebody else says. */
export function pullForgesOf(settings: ForgeSettings): KnownPullForge[] {
  const access = githubAccess(settings)
  const { GITHUB_API_URL: api, GITLAB_URL, GITLAB_TOKEN, GITEA_URL, GITEA_TOKEN } = settings
  const atGitlab = (token: string) => gitlabPulls({ url: GITLAB_URL, token })
  const known: KnownPullForge[] = [
    {
      ...{ name: 'github', host: githubHost(api), own: access && githubPulls({ api, access }) },
      by: (token) => githubPulls({ api, access: { token } }),
    },
    {
      ...{ name: 'gitlab', host: new URL(GITLAB_URL).host },
      own: GITLAB_TOKEN ? atGitlab(GITLAB_TOKEN) : null,
      by: atGitlab,
    },
  ]
  if (!GITEA_URL) return known
  const atGitea = (token: string) => giteaPulls({ url: GITEA_URL, token })
  const own = GITEA_TOKEN ? atGitea(GITEA_TOKEN) : null
  return [...known, { name: 'gitea', host: new URL(GITEA_URL).host, own, by: atGitea }]
}
