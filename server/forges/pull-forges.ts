import type { ForgeSettings } from './forge-settings.ts'
import { githubAccess } from './forge-settings.ts'
import { giteaPulls } from './gitea-pulls.ts'
import { githubPulls } from './github-pulls.ts'
import { gitlabPulls } from './gitlab-pulls.ts'
import type { PullForge } from './pull-lists.ts'

/** The forges whose pull requests this server may list. */
export function pullForgesOf(settings: ForgeSettings): PullForge[] {
  const access = githubAccess(settings)
  const { GITLAB_URL, GITLAB_TOKEN, GITEA_URL, GITEA_TOKEN } = settings
  return [
    ...(access ? [githubPulls({ api: settings.GITHUB_API_URL, access })] : []),
    ...(GITLAB_TOKEN ? [gitlabPulls({ url: GITLAB_URL, token: GITLAB_TOKEN })] : []),
    ...(GITEA_URL && GITEA_TOKEN ? [giteaPulls({ url: GITEA_URL, token: GITEA_TOKEN })] : []),
  ]
}
