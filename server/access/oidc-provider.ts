import * as oidc from 'openid-client'
import type { Provider } from './provider.ts'

export type OidcSettings = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly name: string
  readonly letsIn: 'invited' | 'everybody'
}

const TIMEOUT_S = 10

/** Any provider that speaks OpenID Connect: authorization code with PKCE, state and nonce, the ID token’s signature checked. */
export function oidcProvider({ issuer, clientId, clientSecret, name, letsIn }: OidcSettings): Provider {
  let known: Promise<oidc.Configuration> | null = null

  /** Asked for once; a provider that did not answer is asked again. */
  function configuration(): Promise<oidc.Configuration> {
    known ??= discover().catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
  async function discover(): Promise<oidc.Configuration> {
    const isPlain = new URL(issuer).protocol === 'http:' // the settings allow it on the loopback only
    const options = { timeout: TIMEOUT_S, ...(isPlain ? { execute: [oidc.allowInsecureRequests] } : {}) }
    return oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, options)
  }

  return {
    ...{ id: 'oidc', name, key: `oidc:${issuer}`, letsIn },
    async start({ state, nonce, verifier, back }) {
      return oidc.buildAuthorizationUrl(await configuration(), {
        ...{ redirect_uri: back, scope: 'openid profile email', state, nonce },
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
    },
    async finish({ state, nonce, verifier, back }, query) {
      const url = new URL(back)
      url.search = query.toString()
      const config = await configuration()
      const tokens = await oidc.authorizationCodeGrant(config, url, {
        ...{ pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true },
      })
      const claims = tokens.claims()
      if (!claims) throw new Error('the provider sent no ID token')
      const more = config.serverMetadata().userinfo_endpoint
        ? await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
        : {}
      return claimedOf(claims, more)
    },
  }
}

type Claims = Readonly<Record<string, unknown>>

/** What the ID token and the provider's further answer say. An address and that it was vouched for count where the same one says both. */
export function claimedOf(idToken: Claims, more: Claims) {
  const claims = { ...idToken, ...more }
  const text = (name: string) =>
    typeof claims[name] === 'string' && claims[name] !== '' ? claims[name] : null
  const vouches = 'email' in more ? more : idToken
  const email = text('email')
  const subject = text('sub')
  if (subject === null) throw new Error('the provider did not say who it is')
  return {
    subject,
    name: text('preferred_username') ?? text('nickname') ?? email?.split('@')[0] ?? text('name') ?? subject,
    email: vouches['email_verified'] === true ? email : null,
  }
}
