import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Provider } from './provider.ts'

export type GithubSettings = {
  readonly clientId: string
  readonly clientSecret: string
  /** `https://github.com`, or an own server of GitHub’s. */
  readonly url: string
}

const TIMEOUT_MS = 10_000
const MOST_BYTES = 1024 * 1024

const Token = z.union([z.object({ access_token: z.string().min(1) }), z.object({ error: z.string() })])
const User = z.object({ id: z.number().int().positive(), login: z.string().min(1) })
const Emails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }))

/** GitHub speaks OAuth 2.0 and no OpenID Connect: who somebody is, its API says to whoever holds the token. */
export function githubProvider({ clientId, clientSecret, url }: GithubSettings): Provider {
  const api = url === 'https://github.com' ? 'https://api.github.com' : `${url}/api/v3`

  async function tokenFor(
    code: string,
    { verifier, back }: { verifier: string; back: string },
  ): Promise<string> {
    const body = new URLSearchParams({
      ...{ client_id: clientId, client_secret: clientSecret, code },
      ...{ redirect_uri: back, code_verifier: verifier },
    })
    const read = Token.parse(await asked(`${url}/login/oauth/access_token`, { method: 'POST', body }))
    if ('error' in read) throw new Error(`GitHub gave no token: ${read.error.slice(0, 100)}`)
    return read.access_token
  }

  return {
    ...{ id: 'github', name: 'GitHub', key: `github:${url}`, letsIn: 'invited' },
    async start({ state, verifier, back }) {
      const there = new URL(`${url}/login/oauth/authorize`)
      there.search = new URLSearchParams({
        ...{ client_id: clientId, redirect_uri: back, scope: 'read:user user:email', state },
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }).toString()
      return there
    },
    async finish(way, query) {
      const code = query.get('code')
      if (code === null)
        throw new Error(`GitHub sent no code: ${query.get('error')?.slice(0, 100) ?? 'nothing'}`)
      const headers = { authorization: `Bearer ${await tokenFor(code, way)}` }
      const user = User.parse(await asked(`${api}/user`, { headers }))
      const emails = Emails.parse(await asked(`${api}/user/emails`, { headers }))
      const email = emails.find(({ primary, verified }) => primary && verified)?.email ?? null
      return { subject: String(user.id), name: user.login, email }
    },
  }
}

async function asked(url: string, init: RequestInit): Promise<unknown> {
  const headers = { accept: 'application/json', 'user-agent': 'takt', ...init.headers }
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { ...init, headers, signal, redirect: 'error' })
  const text = await atMost(response)
  if (!response.ok) throw new Error(`GitHub answered ${response.status}`)
  return JSON.parse(text)
}

async function atMost(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > MOST_BYTES) throw new Error('GitHub’s answer is longer than any that is meant here')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
