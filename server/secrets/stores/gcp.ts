import type { GoogleAuth } from 'google-auth-library'
import { z } from 'zod'
import { MOST_ANSWER_BYTES, type SecretStore, StoreRefusal } from './store.ts'

export type GcpAccess = {
  readonly project: string
  /** The file of a service account’s key; null: as the machine is let in. */
  readonly keyFile: string | null
  readonly endpoint: string
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const Accessed = z.object({ payload: z.object({ data: z.string() }) })

/** Google Cloud Secret Manager: Google’s own library opens it, loaded when the first secret is asked for. */
export class GcpSecrets implements SecretStore {
  readonly field = null
  readonly #access: GcpAccess
  #auth: Promise<GoogleAuth> | null = null

  constructor(access: GcpAccess) {
    this.#access = access
  }

  /** Names there know no `/`, and those of organizations and projects no `_`. */
  nameOf(parts: readonly string[]): string {
    const wrong = parts.find((part) => !/^[A-Za-z0-9_-]+$/.test(part))
    const name = parts.join('_')
    if (wrong === undefined && name.length <= 255) return name
    throw new StoreRefusal(
      wrong === undefined
        ? 'names there have at most 255 characters'
        : `names there have only letters, digits, - and _, so \`${wrong}\` is none`,
    )
  }

  async read(name: string, signal: AbortSignal): Promise<string> {
    this.#auth ??= this.#open()
    const auth = await this.#auth
    const { project, endpoint } = this.#access
    const url = `${endpoint}/v1/projects/${encodeURIComponent(project)}/secrets/${name}/versions/latest:access`
    const { status, data } = await auth.request<unknown>({
      ...{ url, signal, redirect: 'error', size: MOST_ANSWER_BYTES },
      validateStatus: () => true,
    })
    if (status === 404) throw new StoreRefusal('there is nothing, or it has no version')
    if (status === 403)
      throw new StoreRefusal(
        'this server may not read there (403): give its account the role Secret Manager Secret Accessor',
      )
    const read = Accessed.safeParse(data)
    if (status !== 200 || !read.success) throw new StoreRefusal(`the answer is ${status}`)
    const bytes = Buffer.from(read.data.payload.data, 'base64')
    const text = bytes.toString('utf8')
    if (!Buffer.from(text).equals(bytes))
      throw new StoreRefusal('it is binary; store text there, files in base64')
    return text
  }

  async #open(): Promise<GoogleAuth> {
    const { GoogleAuth } = await import('google-auth-library')
    const { keyFile } = this.#access
    const auth = new GoogleAuth({ scopes: [SCOPE], ...(keyFile === null ? {} : { keyFile }) })
    auth.useJWTAccessWithScope = true // a key’s own signature opens, as with Google’s clients; nothing is exchanged before
    return auth
  }
}
