import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A registry of images as the server sees it: tags that point to digests, behind tokens where it is locked. */
export type FakeRegistry = AsyncDisposable & {
  readonly host: string
  /** Point a tag elsewhere. @returns The digest. */
  push(tag: string, content: string): string
  readonly asked: string[]
  /** What it answers instead, while set. */
  failing: number | null
}

const TOKEN = 'a-token-of-the-registry'

export async function fakeRegistry(name: string, login: string | null = null): Promise<FakeRegistry> {
  const tags = new Map<string, string>()
  const asked: string[] = []
  const state = { failing: null as number | null }
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request
    asked.push(`${method} ${url}`)
    const end = (status: number, body: unknown = '', more: Record<string, string> = {}) =>
      response.writeHead(status, more).end(typeof body === 'string' ? body : JSON.stringify(body))
    if (state.failing !== null) return end(state.failing)
    const origin = `http://${headers.host}`
    if (url.startsWith('/token')) {
      const shown = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
      return shown === login ? end(200, { token: TOKEN }) : end(401)
    }
    if (login !== null && headers.authorization !== `Bearer ${TOKEN}`)
      return end(401, '', {
        'www-authenticate': `Bearer realm="${origin}/token",service="fake",scope="repository:${name}:pull"`,
      })
    const [, wanted = ''] = new RegExp(`^/v2/${name}/(.*)$`).exec(url) ?? []
    if (wanted.startsWith('tags/list')) return tagsPage(new URL(origin + url))
    const digest = tags.get(/^manifests\/(.+)$/.exec(wanted)?.[1] ?? '')
    return digest ? end(200, '', { 'docker-content-digest': digest }) : end(404)

    /** Two a page, so that pages are followed. */
    function tagsPage({ searchParams }: URL) {
      const all = [...tags.keys()].toSorted().filter((tag) => tag > (searchParams.get('last') ?? ''))
      const page = all.slice(0, 2)
      const link = `</v2/${name}/tags/list?n=2&last=${page.at(-1)}>; rel="next"`
      return end(200, { name, tags: page }, all.length > 2 ? { link } : {})
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    push(tag, content) {
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
      tags.set(tag, digest)
      return digest
    },
    asked,
    get failing() {
      return state.failing
    },
    set failing(status) {
      state.failing = status
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
