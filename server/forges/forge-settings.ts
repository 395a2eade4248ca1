import type { Config } from '../config.ts'
import type { GithubAccess } from './github-client.ts'

/** What this server knows of forges. */
export type ForgeSettings = Pick<
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

/** An app is more than a token, so it comes first. Null where this server has nothing to show to GitHub. */
export function githubAccess(settings: ForgeSettings): GithubAccess | null {
  const { GITHUB_APP_ID: appId, GITHUB_APP_KEY: privateKey, GITHUB_TOKEN: token } = settings
  if (appId && privateKey) return { appId, privateKey }
  return token ? { token } : null
}
