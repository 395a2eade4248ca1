import { buffer } from 'node:stream/consumers'
import { gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { Readable } from 'node:stream'
import tar from 'tar-stream'
import type { House } from './server.ts'

/** An entry as its header says it: a content, or what makes it something else. */
export type Written = { header: Partial<tar.Header> & { name: string }; content?: string | Buffer }

/** A packed archive of these files: a text is a file's content, a header anything else. */
export async function packed(files: Record<string, string> | readonly Written[]): Promise<Buffer> {
  const entries: readonly Written[] = Array.isArray(files)
    ? files
    : Object.entries(files as Record<string, string>).map(([name, content]) => ({
        header: { name },
        content,
      }))
  const pack = tar.pack()
  for (const { header, content } of entries) {
    if (content === undefined) pack.entry(header)
    else pack.entry(header, content)
  }
  pack.finalize()
  return zstdCompressSync(await buffer(pack as AsyncIterable<Buffer>))
}

/** What a packed archive holds: files with their content, links with an arrow. */
export async function unpacked(bytes: Buffer): Promise<Record<string, string>> {
  const plain = bytes.readUInt16BE(0) === 0x1f8b ? gunzipSync(bytes) : zstdDecompressSync(bytes)
  const extract = tar.extract()
  Readable.from([plain]).pipe(extract as unknown as NodeJS.WritableStream)
  const found: Record<string, string> = {}
  for await (const entry of extract as unknown as AsyncIterable<Readable & { header: tar.Header }>) {
    const { name, type, linkname } = entry.header
    const content = (await buffer(entry)).toString()
    found[name] = type === 'directory' ? '/' : linkname ? `→ ${linkname}` : content
  }
  return found
}

/** Ask the runners' side of the server, as the holder of a lease. */
export async function asRunner(
  house: Pick<House, 'url'>,
  request: string,
  { lease, body }: { lease: string; body?: Buffer },
): Promise<{ status: number; headers: Headers; bytes: Buffer; body: ReturnType<typeof JSON.parse> }> {
  const [method = 'GET', path = '/'] = request.split(' ')
  const response = await fetch(house.url + path, {
    method,
    headers: { authorization: `Bearer ${lease}` },
    ...(body ? { body: new Uint8Array(body) } : {}),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = (response.headers.get('content-type') ?? '').includes('json')
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    body: isJson ? JSON.parse(bytes.toString()) : null,
  }
}
