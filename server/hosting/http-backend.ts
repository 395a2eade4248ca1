import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MOST_OBJECT } from '../forges/git.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'

export type GitRequest = {
  readonly method: string
  /** The bare repository's folder name and what is wanted of it, e.g. `/demo.git/info/refs`. */
  readonly path: string
  readonly query: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  /** Who asks; null may read and not write. */
  readonly writer: string | null
}

/** What every git that we run for others is told: no hooks of the repository's, whole objects only, any commit by its name. */
const CONFIG = {
  'core.hooksPath': '/dev/null',
  'transfer.fsckObjects': 'true',
  'receive.maxInputSize': String(2 * 1024 ** 3),
  'uploadpack.allowAnySHA1InWant': 'true',
  'uploadpack.allowFilter': 'true',
  'http.receivepack': 'true',
  'safe.directory': '*',
  'gc.auto': '0',
}

const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Answer a smart-HTTP request by git's own CGI program. Bodies stream both ways; `done` resolves when git has ended.
 *
 * @throws {Problem} `unavailable`, when this machine has no git or no room for another process.
 */
export async function httpBackend(
  dataDir: string,
  request: GitRequest,
  { searchPath = SEARCH_PATH }: { searchPath?: string } = {},
): Promise<{ response: Response; done: Promise<void> }> {
  const child = await startGit({ ...cgiEnv(dataDir, request), PATH: searchPath })
  const ended = Promise.withResolvers<void>()
  child.on('close', () => ended.resolve())
  child.on('error', (error) => log.warn({ err: error }, 'git.http-backend-failed'))
  child.stdin.on('error', () => {}) // a git that ends before it has read everything says why on its other end
  child.stderr.on('data', (words: Buffer) =>
    log.warn({ words: words.toString('utf8').slice(0, 2_000) }, 'git.http-backend'),
  )
  const fed = request.body
    ? pipeline(Readable.fromWeb(request.body as never), child.stdin)
    : Promise.resolve(child.stdin.end())
  fed.catch(() => child.kill()) // the client went away in the middle of its request: so may git
  const { status, headers, rest } = await readHead(child.stdout).catch((error: unknown) => {
    child.kill() // whatever it still does, nobody will hear of it
    throw error
  })
  const out = Readable.from(behind(rest, child.stdout))
  return {
    response: new Response(Readable.toWeb(out) as ReadableStream<Uint8Array>, { status, headers }),
    done: ended.promise,
  }
}

async function startGit(env: NodeJS.ProcessEnv): Promise<ChildProcessWithoutNullStreams> {
  try {
    const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    await once(child, 'spawn')
    return child
  } catch (error) {
    log.error({ err: error }, 'git.not-started')
    const words = error instanceof Error ? error.message : String(error)
    throw new Problem('unavailable', `git could not be started: ${words}`)
  }
}

function cgiEnv(dataDir: string, { method, path, query, headers, writer }: GitRequest): NodeJS.ProcessEnv {
  const config = Object.entries(CONFIG).flatMap(([key, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    GIT_PROJECT_ROOT: join(dataDir, 'git'),
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_ALLOC_LIMIT: MOST_OBJECT,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(Object.keys(CONFIG).length),
    ...Object.fromEntries(config),
    REQUEST_METHOD: method,
    PATH_INFO: path,
    QUERY_STRING: query,
    CONTENT_TYPE: headers.get('content-type') ?? '',
    HTTP_CONTENT_ENCODING: headers.get('content-encoding') ?? '',
    GIT_PROTOCOL: headers.get('git-protocol') ?? '',
    ...(writer === null ? {} : { REMOTE_USER: writer }),
  }
}

/** A CGI answer's head: `Status` and headers up to the empty line, and what was read behind it. */
async function readHead(out: Readable): Promise<{ status: number; headers: Headers; rest: Buffer }> {
  let read = Buffer.alloc(0)
  let end = -1
  while (end < 0) {
    const piece = (out.read() ?? (await nextPiece(out))) as Buffer | null
    if (piece === null) throw new Error('git http-backend ended without an answer')
    read = Buffer.concat([read, piece])
    end = read.indexOf('\r\n\r\n')
    if (end < 0 && read.length > 65_536) throw new Error('git http-backend answered with an endless head')
  }
  const headers = new Headers()
  let status = 200
  for (const line of read.toString('latin1', 0, end).split('\r\n')) {
    const colon = line.indexOf(':')
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    if (name === 'status') status = Number.parseInt(value, 10)
    else if (name !== '') headers.append(name, value)
  }
  return { status, headers, rest: read.subarray(end + 4) }
}

/** Wait until something can be read; null at the end. */
async function nextPiece(out: Readable): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  out.once('readable', resolve)
  out.once('end', resolve)
  out.once('error', reject)
  try {
    if (!out.readableEnded) await promise
    return out.read() as Buffer | null
  } finally {
    out.off('readable', resolve)
    out.off('end', resolve)
    out.off('error', reject)
  }
}

async function* behind(first: Buffer, out: Readable): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  yield* out as AsyncIterable<Buffer>
}
