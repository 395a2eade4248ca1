import { readFile } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import type { MiddlewareHandler } from 'hono'

const BUILT = fileURLToPath(new URL('../../ui/dist/', import.meta.url))
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}
/** How a file system says that it has no such file; the last one of a name that none could have. */
const NOT_THERE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])

/**
 * The built dashboard. Files under `assets/` carry a hash in their names and are kept for ever; every other address is a page
 * and gets `index.html`, which asks the API for what it needs.
 */
export function dashboard(): MiddlewareHandler {
  return async function dashboardFiles(c, next) {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return next()
    const file = await read(c.req.path)
    if (file) {
      const packed =
        /\bbr\b/.test(c.req.header('accept-encoding') ?? '') && (await pack(c.req.path, file.bytes))
      if (!packed) return c.body(file.bytes, 200, file.headers)
      return c.body(packed, 200, { ...file.headers, 'content-encoding': 'br', vary: 'accept-encoding' })
    }
    if (extname(c.req.path) !== '') return next()
    const page = await read('/index.html')
    if (!page) return c.text('The dashboard is not built. Run: npm run build\n', 503)
    return c.body(page.bytes, 200, page.headers)
  }
}

const brotli = promisify(brotliCompress)
const params = {
  [constants.BROTLI_PARAM_QUALITY]: 9,
  [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
}
const packedFiles = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()

/** What a script or a style is packed, once: under its name it never changes. Other files are sent as they are. */
function pack(path: string, bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> | null {
  if (!/^\/assets\/.*\.(js|css)$/.test(path)) return null
  const known = packedFiles.get(path) ?? brotli(bytes, { params }).then((packed) => new Uint8Array(packed))
  packedFiles.set(path, known)
  return known
}

async function read(path: string) {
  const type = TYPES[extname(path)]
  const file = join(BUILT, normalize(decodeURIComponent(path)))
  if (!type || !file.startsWith(BUILT.endsWith(sep) ? BUILT : BUILT + sep)) return null
  const cache = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
  try {
    return {
      bytes: new Uint8Array(await readFile(file)),
      headers: { 'content-type': type, 'cache-control': cache },
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_THERE.has(error.code)) return null
    throw error
  }
}
