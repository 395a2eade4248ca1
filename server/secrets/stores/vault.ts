import { z } from 'zod'
import { boundedText, type SecretStore, StoreRefusal } from './store.ts'

export type VaultAccess = {
  readonly address: string
  /** Where the key/value engine (version 2) is mounted. */
  readonly mount: string
  readonly namespace: string | null
  readonly login:
    { readonly token: string } | { readonly roleId: string; readonly secretId: string; readonly at: string }
}

type Call = { readonly method: 'GET' | 'POST'; readonly path: string; readonly signal: AbortSignal }
type Token = { readonly text: string; readonly untilMs: number }

const Read = z.object({ data: z.object({ data: z.record(z.string(), z.unknown()).nullable() }) })
const Login = z.object({ auth: z.object({ client_token: z.string().min(1), lease_duration: z.number() }) })
const Errors = z.object({ errors: z.array(z.string()) })

/** A token of a role is asked for anew when four fifths of its time are over. */
const USED_FOR = 0.8

/** Vault’s key/value engine, version 2, over its HTTP API, which OpenBao speaks, too. */
export class Vault implements SecretStore {
  readonly field = 'value'
  readonly #access: VaultAccess
  #token: Token | null = null

  constructor(access: VaultAccess) {
    this.#access = access
  }

  nameOf = (parts: readonly string[]): string => parts.join('/')

  async read(name: string, signal: AbortSignal): Promise<string> {
    const path = `${escaped(this.#access.mount)}/data/${escaped(name)}`
    const { status, text } = await this.#asked(path, signal)
    if (status === 404) throw new StoreRefusal('there is nothing, or its newest version was deleted')
    if (status !== 200) throw refused(status, text)
    const read = Read.safeParse(jsonOf(text))
    if (!read.success)
      throw new StoreRefusal(
        `the answer is none of a key/value engine of version 2; see TAKT_VAULT_MOUNT (\`${this.#access.mount}\`)`,
      )
    if (read.data.data.data === null) throw new StoreRefusal('its newest version was deleted')
    return JSON.stringify(read.data.data.data)
  }

  /** A token that was ended before its time is replaced once. */
  async #asked(path: string, signal: AbortSignal) {
    const wasKept = this.#token !== null
    const answer = await this.#call({ method: 'GET', path, signal }, await this.#opening(signal))
    if (answer.status !== 403 || !wasKept || 'token' in this.#access.login) return answer
    this.#token = null
    return this.#call({ method: 'GET', path, signal }, await this.#opening(signal))
  }

  async #opening(signal: AbortSignal): Promise<string> {
    const { login } = this.#access
    if ('token' in login) return login.token
    if (this.#token && performance.now() < this.#token.untilMs) return this.#token.text
    const path = `auth/${escaped(login.at)}/login`
    const body = { role_id: login.roleId, secret_id: login.secretId }
    const { status, text } = await this.#call({ method: 'POST', path, signal }, null, body)
    const read = Login.safeParse(jsonOf(text))
    if (status !== 200 || !read.success)
      throw new StoreRefusal(
        `the server’s AppRole does not let it in (${status}); see TAKT_VAULT_ROLE_ID and TAKT_VAULT_SECRET_ID`,
      )
    const { client_token, lease_duration } = read.data.auth
    this.#token = {
      text: client_token,
      untilMs: performance.now() + lease_duration * 1_000 * USED_FOR,
    }
    return client_token
  }

  async #call({ method, path, signal }: Call, token: string | null, body?: object) {
    const { address, namespace } = this.#access
    const response = await fetch(`${address.replace(/\/+$/, '')}/v1/${path}`, {
      method,
      signal,
      redirect: 'error', // the token would go along
      headers: {
        'x-vault-request': 'true',
        ...(token === null ? {} : { 'x-vault-token': token }),
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await boundedText(response) }
  }
}

const escaped = (path: string) => path.split('/').map(encodeURIComponent).join('/')

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // the shape that is looked for says that this is none
  }
}

function refused(status: number, text: string): StoreRefusal {
  if (status === 403) return new StoreRefusal('this server may not read there (403): give its policy `read`')
  const said = Errors.safeParse(jsonOf(text))
  const words = said.success ? said.data.errors.join('; ').slice(0, 300) : ''
  return new StoreRefusal(`the answer is ${status}${words === '' ? '' : `, ${words}`}`)
}
