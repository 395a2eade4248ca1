import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { git } from '../../server/forges/git.ts'
import { httpBackend } from '../../server/hosting/http-backend.ts'
import { type Clone, cloneOf } from './repository.ts'

/** A git server that is not ours, on loopback: git's own CGI program behind an HTTP server. */
export type PublicGit = AsyncDisposable & {
  readonly url: string
  readonly bare: string
  /** How often somebody began to fetch. */
  fetches(): number
  readonly clone: Clone
}

/** @param login  `user:password` that opens it; null where it is open to everybody. */
export async function publicGit(name = 'shop', login: string | null = null): Promise<PublicGit> {
  const opens = login && `Basic ${Buffer.from(login).toString('base64')}`
  const root = await mkdtemp(join(tmpdir(), 'takt-public-'))
  const bare = join(root, 'git', `${name}.git`)
  await mkdir(bare, { recursive: true })
  await git(['init', '-q', '--bare', '--initial-branch=main', bare], { dir: bare })
  let fetches = 0
  const server = createAdaptorServer({
    fetch: async (request: Request) => {
      const { pathname, search } = new URL(request.url)
      const { method, headers, body } = request
      if (opens && headers.get('authorization') !== opens)
        return new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' } })
      if (search.includes('git-upload-pack')) fetches++
      const answered = await httpBackend(root, {
        method,
        path: pathname,
        query: search.slice(1),
        headers,
        body: method === 'POST' ? body : null,
        writer: 'ann',
      })
      return answered.response
    },
  }) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}.git`
  const clone = await cloneOf(login ? url.replace('://', `://${login}@`) : url)
  return {
    url,
    bare,
    fetches: () => fetches,
    clone,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await clone[Symbol.asyncDispose]()
      await rm(root, { recursive: true, force: true })
    },
  }
}
