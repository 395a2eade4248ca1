import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

const Batch = z.object({ operation: z.literal('download'), objects: z.array(z.object({ oid: z.string() })) })

export type LfsServer = AsyncDisposable & {
  /** Requests as they came: their path, and what they showed. */
  readonly seen: { path: string; authorization: string | undefined }[]
  readonly url: string
  /** @returns The pointer that stands for this content in a commit. */
  keep(content: string): string
}

/**
 * What git-lfs calls its batch API, for downloads, before a git server: everything that is no large file is passed on to `git`.
 * Source: git-lfs, docs/api/batch.md.
 */
export async function serveLfs(git: { readonly url: string }): Promise<LfsServer> {
  const kept = new Map<string, string>()
  const seen: LfsServer['seen'] = []
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    if (!path.includes('/info/lfs/') && !path.startsWith('/objects/')) {
      const passed = await passOn(git.url, request)
      return response.writeHead(passed.status, passed.headers).end(passed.body)
    }
    seen.push({ path, authorization: request.headers.authorization })
    if (path.startsWith('/objects/')) return response.end(kept.get(path.slice('/objects/'.length)))
    const { objects } = Batch.parse(await json(request))
    const origin = `http://${request.headers.host}`
    const answer = objects.map(({ oid }) => ({
      oid,
      size: Buffer.byteLength(kept.get(oid) ?? ''),
      ...(kept.has(oid)
        ? { actions: { download: { href: `${origin}/objects/${oid}` } } }
        : { error: { code: 404, message: 'not here' } }),
    }))
    response
      .writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' })
      .end(JSON.stringify({ transfer: 'basic', objects: answer }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    seen,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(git.url).pathname}`,
    keep(content) {
      const oid = createHash('sha256').update(content).digest('hex')
      kept.set(oid, content)
      return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${Buffer.byteLength(content)}\n`
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function passOn(git: string, request: IncomingMessage) {
  const body = request.method === 'POST' ? new Uint8Array(await request.toArray().then(Buffer.concat)) : null
  const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && !['host', 'connection', 'transfer-encoding'].includes(name)
      ? [[name, value]]
      : [],
  )
  const answer = await fetch(new URL(request.url ?? '/', git), {
    method: request.method ?? 'GET',
    headers,
    body,
  })
  return {
    status: answer.status,
    headers: Object.fromEntries([...answer.headers].filter(([name]) => name !== 'transfer-encoding')),
    body: Buffer.from(await answer.arrayBuffer()),
  }
}
