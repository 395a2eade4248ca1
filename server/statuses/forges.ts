import { type ForgeSettings, githubAccess } from '../forges/forge-settings.ts'
import type { Forge } from './forge.ts'
import { gitea } from './gitea.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'

/** The forges that this server has something to show for. */
export function forgesOf(settings: ForgeSettings): Forge[] {
  const access = githubAccess(settings)
  return [
    ...(access ? [github({ api: settings.GITHUB_API_URL, access })] : []),
    ...(settings.GITLAB_TOKEN ? [gitlab({ url: settings.GITLAB_URL, token: settings.GITLAB_TOKEN })] : []),
    ...(settings.GITEA_URL && settings.GITEA_TOKEN
      ? [gitea({ url: settings.GITEA_URL, token: settings.GITEA_TOKEN })]
      : []),
  ]
}
