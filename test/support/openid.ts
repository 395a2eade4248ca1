import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

type Person = {
  readonly email?: string
  readonly email_verified?: boolean
  readonly preferred_username?: string
}
type Loaded = { default: new (issuer: string, settings: object) => { callback(): RequestListener } }

export const CLIENT = { id: 'takt', secret: 'a secret of provider and server' }

/** A real OpenID Connect provider over HTTP, with a login form that believes everybody; `people` says what it knows of each. */
export async function openIdProvider(people: Readonly<Record<string, Person>>) {
  let answer: RequestListener = (_, response) => response.writeHead(503).end()
  const http = createServer((request, response) => answer(request, response))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const name = 'oidc-provider' // without types of its own
  const { default: Provider }: Loaded = await import(name)
  return {
    issuer,
    /** Know a server by the address that people are sent back to. */
    serve(redirect: string): void {
      const provider = new Provider(issuer, {
        clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirect] }],
        pkce: { required: () => true },
        cookies: { keys: ['some'] },
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
        findAccount: (_: unknown, id: string) => ({
          accountId: id,
          claims: () => ({ sub: id, ...people[id] }),
        }),
      })
      answer = provider.callback()
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

/** What a browser does between our server and back: follow, fill in the login form, agree. @returns Where it is sent in the end. */
export async function passThrough(start: string, who: string, home: string): Promise<string> {
  const jar = new Map<string, string>()
  let url = start
  let form: URLSearchParams | null = null
  for (let hops = 0; hops < 15; hops++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const init: RequestInit = { redirect: 'manual', headers: { cookie } }
    const response: Response = await fetch(url, form ? { ...init, method: 'POST', body: form } : init)
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]!.split('=', 2)
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    form = null
    const to = response.headers.get('location')
    if (to !== null) {
      url = new URL(to, url).href
      if (url.startsWith(home)) return url
      continue
    }
    const page = await response.text()
    const action = /action="([^"]+)"/.exec(page)?.[1]
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
    if (!action || !prompt) throw new Error(`${response.status} of ${url}: ${page.slice(0, 600)}`)
    url = new URL(action, url).href
    form = new URLSearchParams({ prompt, login: who, password: 'any' })
  }
  throw new Error(`too many redirects, the last to ${url}`)
}
