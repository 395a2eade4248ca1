import type { Config } from '../config.ts'
import { githubProvider } from './github-provider.ts'
import { oidcProvider } from './oidc-provider.ts'
import type { Provider } from './provider.ts'

type Settings = Pick<
  Config,
  | 'TAKT_OIDC_ISSUER'
  | 'TAKT_OIDC_CLIENT_ID'
  | 'TAKT_OIDC_CLIENT_SECRET'
  | 'TAKT_OIDC_NAME'
  | 'TAKT_OIDC_ACCOUNTS'
  | 'TAKT_GITHUB_CLIENT_ID'
  | 'TAKT_GITHUB_CLIENT_SECRET'
  | 'TAKT_GITHUB_URL'
>

/** The providers that the settings name. @throws {Error} Where one is named by half. */
export function providersOf(config: Settings): readonly Provider[] {
  const oidc = together({
    TAKT_OIDC_ISSUER: config.TAKT_OIDC_ISSUER,
    TAKT_OIDC_CLIENT_ID: config.TAKT_OIDC_CLIENT_ID,
    TAKT_OIDC_CLIENT_SECRET: config.TAKT_OIDC_CLIENT_SECRET,
  })
  const github = together({
    TAKT_GITHUB_CLIENT_ID: config.TAKT_GITHUB_CLIENT_ID,
    TAKT_GITHUB_CLIENT_SECRET: config.TAKT_GITHUB_CLIENT_SECRET,
  })
  return [
    ...(oidc === null
      ? []
      : [
          oidcProvider({
            ...{ issuer: oidc.TAKT_OIDC_ISSUER, clientId: oidc.TAKT_OIDC_CLIENT_ID },
            ...{ clientSecret: oidc.TAKT_OIDC_CLIENT_SECRET, name: config.TAKT_OIDC_NAME },
            letsIn: config.TAKT_OIDC_ACCOUNTS,
          }),
        ]),
    ...(github === null
      ? []
      : [
          githubProvider({
            ...{ clientId: github.TAKT_GITHUB_CLIENT_ID, clientSecret: github.TAKT_GITHUB_CLIENT_SECRET },
            url: config.TAKT_GITHUB_URL.replace(/\/+$/, ''),
          }),
        ]),
  ]
}

/** Settings that mean something only all together. */
function together<Name extends string>(given: Record<Name, string | undefined>): Record<Name, string> | null {
  const missing = Object.keys(given).filter((name) => given[name as Name] === undefined)
  if (missing.length === Object.keys(given).length) return null
  if (missing.length > 0)
    throw new Error(`The environment is not right: ${missing.join(' and ')} must be set, too`)
  return given as Record<Name, string>
}
