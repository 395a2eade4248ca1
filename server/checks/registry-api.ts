/** What a registry answers, or why not: a constant code and a sentence. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  readonly code: string
  constructor(code: string, words: string) {
    super(words)
    this.code = code
  }
}

export type Login = { readonly username: string; readonly password: string }
type At = { readonly repository: string; readonly login: Login | null; readonly signal: AbortSignal }

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')
const DIGEST = /^sha256:[0-9a-f]{64}$/
const MOST_BYTES = 4 * 1024 * 1024
const MOST_PAGES = 10
const MOST_TAGS = 10_000

/** The tags of a repository, as its registry lists them. @throws {RegistryError} */
export async function listTags(registry: Registry): Promise<string[]> {
  const tags: string[] = []
  let path: string | null = `/tags/list?n=1000`
  for (let page = 0; path !== null && page < MOST_PAGES; page++) {
    const answer: Response = await registry.ask('GET', path)
    const body: unknown = JSON.parse(await textOf(answer))
    const listed: unknown = typeof body === 'object' && body !== null && 'tags' in body ? body.tags : null
    tags.push(...(Array.isArray(listed) ? listed.filter((tag) => typeof tag === 'string') : []))
    const next = /<[^>]*[?&]last=([^&>]+)[^>]*>;\s*rel="?next/.exec(answer.headers.get('link') ?? '')?.[1]
    path = next === undefined ? null : `/tags/list?n=1000&last=${next}`
  }
  return tags.slice(0, MOST_TAGS)
}

/** The digest that a tag points to now; null where there is no such tag. @throws {RegistryError} */
export async function digestOf(registry: Registry, tag: string): Promise<string | null> {
  const answer = await registry.ask('HEAD', `/manifests/${encodeURIComponent(tag)}`)
  if (answer.status === 404) return null
  const digest = answer.headers.get('docker-content-digest') ?? ''
  if (DIGEST.test(digest)) return digest
  throw new RegistryError(
    'registry_unreadable',
    `the registry names no digest of the tag ${tag.slice(0, 100)}`,
  )
}

/** A repository of a registry, asked over the registry's HTTP API; what opens it is fetched once. */
export class Registry {
  readonly #at: At
  readonly #base: string
  readonly #name: string
  #authorization: string | null = null

  constructor(at: At) {
    const { origin, name } = addressOf(at.repository)
    this.#at = at
    this.#name = name
    this.#base = `${origin}/v2/${name}`
  }

  /** @returns An answer that is good, or a 404 to a HEAD. @throws {RegistryError} */
  async ask(method: 'GET' | 'HEAD', path: string): Promise<Response> {
    const first = await this.#fetch(method, path)
    if (first.status !== 401) return this.#judged(first, method)
    this.#authorization = await this.#authorize(first.headers.get('www-authenticate') ?? '')
    return this.#judged(await this.#fetch(method, path), method)
  }

  async #fetch(method: string, path: string): Promise<Response> {
    const headers = new Headers({ accept: path.startsWith('/manifests') ? MANIFESTS : 'application/json' })
    if (this.#authorization) headers.set('authorization', this.#authorization)
    return fetched(this.#base + path, { method, headers, signal: this.#at.signal })
  }

  #judged(answer: Response, method: string): Response {
    const { status } = answer
    if (status === 200 || (status === 404 && method === 'HEAD')) return answer
    const name = this.#at.repository
    if (status === 401 || status === 403)
      throw new RegistryError(
        'registry_denied',
        `the registry does not show ${name} to ${this.#at.login ? 'this login' : 'everybody: add `login: NAME_OF_A_SECRET`'}`,
      )
    if (status === 404) throw new RegistryError('registry_no_image', `the registry has no ${name}`)
    if (status === 429)
      throw new RegistryError('registry_limit', `the registry was asked too often for ${name}`)
    throw new RegistryError('registry_failed', `the registry answered ${status} for ${name}`)
  }

  /** As the registry asks for it: by name and password, or by a token that is fetched with them. */
  async #authorize(challenge: string): Promise<string | null> {
    const { login } = this.#at
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
    if (!/^bearer\s/i.test(challenge)) return basic
    const told = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
    )
    const realm = told.get('realm') ?? ''
    if (!URL.canParse(realm) || !isSafe(new URL(realm), this.#base))
      throw new RegistryError(
        'registry_unreadable',
        'the registry sends for its tokens to no address that is safe',
      )
    const url = new URL(realm)
    url.searchParams.set('scope', told.get('scope') ?? `repository:${this.#name}:pull`)
    const service = told.get('service')
    if (service !== undefined) url.searchParams.set('service', service)
    const headers = new Headers(basic ? { authorization: basic } : {})
    const answer = await fetched(url.href, { headers, signal: this.#at.signal })
    if (answer.status !== 200) return null
    const body: unknown = JSON.parse(await textOf(answer))
    const token = tokenIn(body)
    return token === null ? null : `Bearer ${token}`
  }
}

/** Names and passwords go over TLS, or to where the registry itself is reached without. */
const isSafe = (realm: URL, base: string): boolean =>
  realm.protocol === 'https:' || (realm.protocol === 'http:' && realm.hostname === new URL(base).hostname)

function tokenIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null
  const token = 'token' in body ? body.token : 'access_token' in body ? body.access_token : null
  return typeof token === 'string' && /^[\x21-\x7e]{1,20000}$/.test(token) ? token : null
}

async function fetched(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'follow' })
  } catch (error) {
    if (init.signal?.aborted)
      throw new RegistryError('registry_silent', 'the registry did not answer in time')
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new RegistryError('registry_unreachable', `the registry cannot be reached: ${cause.slice(0, 300)}`)
  }
}

/** @throws {RegistryError} When it is longer than anything of use. */
async function textOf(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of answer.body ?? []) {
    size += piece.length
    if (size > MOST_BYTES)
      throw new RegistryError(
        'registry_unreadable',
        `the registry answers with more than ${MOST_BYTES} bytes`,
      )
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const NAME = /^[a-z0-9]+(?:(?:\.|__?|-+|\/)[a-z0-9]+)*$/
const HOST = /^(?![.-])(?!.*\.\.)[A-Za-z0-9.-]{1,255}(?::\d{1,5})?$|^\[[0-9a-f:]{2,45}\](?::\d{1,5})?$/
/** Where an image's name leads: a first part that looks like a host, else Docker's own registry. */
export function addressOf(repository: string): { readonly origin: string; readonly name: string } {
  const [host = '', ...rest] = repository.split('/')
  const named = rest.length > 0 && (/[.:]/.test(host) || host === 'localhost')
  const plain = named ? rest.join('/') : rest.length > 0 ? repository : `library/${repository}`
  const registry = !named || host === 'docker.io' ? 'registry-1.docker.io' : host
  const scheme = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(registry) ? 'http' : 'https'
  const origin = `${scheme}://${registry}`
  if (repository.length > 500 || !HOST.test(registry) || !URL.canParse(origin) || !NAME.test(plain))
    throw new RegistryError(
      'registry_unreadable',
      `\`${repository.slice(0, 200)}\` is not the name of an image without its tag`,
    )
  return { origin, name: plain }
}
