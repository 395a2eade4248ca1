import { execFile, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const AUTHOR = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', '-c', 'commit.gpgsign=false']

export type GitServer = AsyncDisposable & {
  readonly url: string
  /** Authorization headers as they came. */
  readonly seen: (string | undefined)[]
  /** How much was sent so far. */
  readonly sentBytes: number
  /** Called at every request, before it is answered. */
  during: ((path: string) => Promise<void>) | null
  /** The repository, as this machine reaches it. */
  readonly root: string
  /** Let it be pushed to. */
  takePushes(): Promise<void>
  /** Commit these files on main, and other repositories' commits at these paths. @returns The commit's hash. */
  commit(files: Record<string, string>, modules?: Record<string, string>): Promise<string>
  /** Another repository beside it. */
  repository(name: string): Promise<Pick<GitServer, 'commit'>>
  /** Let a ref stand at a commit. */
  name(ref: string, sha: string): Promise<void>
  /** The newest protocol hands out any commit; older servers insist on names. */
  insistOnNames(): void
}

/** One repository, served by git itself over HTTP on loopback, with basic authentication. */
export async function serveGit(credential: { username: string; password: string }): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), 'takt-git-'))
  const work = join(root, 'work')
  await run('git', ['init', '-q', '-b', 'main', work])
  const state = {
    seen: [] as (string | undefined)[],
    sentBytes: 0,
    protocol: '' as string | null,
    expected: basic(credential),
    during: null as ((path: string) => Promise<void>) | null,
  }
  const server = createServer((request, response) => answer(root, state, { request, response }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/work/.git`,
    seen: state.seen,
    get sentBytes() {
      return state.sentBytes
    },
    get during() {
      return state.during
    },
    set during(look) {
      state.during = look
    },
    root: work,
    takePushes: async () => {
      await run('git', ['-C', work, 'config', 'receive.denyCurrentBranch', 'ignore'])
      await run('git', ['-C', work, 'config', 'http.receivepack', 'true'])
    },
    commit: (files, modules) => commit(work, files, modules),
    async repository(name) {
      const other = join(root, name)
      await run('git', ['init', '-q', '-b', 'main', other])
      return { commit: (files, modules) => commit(other, files, modules) }
    },
    name: async (ref, sha) => void (await run('git', ['-C', work, 'update-ref', ref, sha])),
    insistOnNames: () => void (state.protocol = null),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(root, { recursive: true, force: true })
    },
  }
}

const basic = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

async function commit(
  work: string,
  files: Record<string, string>,
  modules: Record<string, string> = {},
): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(work, name, '..'), { recursive: true })
    await writeFile(join(work, name), text, { mode: name.endsWith('.sh') ? 0o755 : 0o644 })
  }
  await run('git', ['-C', work, 'add', '-A'])
  for (const [path, sha] of Object.entries(modules))
    await run('git', ['-C', work, 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`])
  await run('git', [...AUTHOR, '-C', work, 'commit', '-q', '-m', 'a change', '--allow-empty'])
  return (await run('git', ['-C', work, 'rev-parse', 'HEAD'])).stdout.trim()
}

type State = {
  seen: (string | undefined)[]
  sentBytes: number
  protocol: string | null
  expected: string
  during: ((path: string) => Promise<void>) | null
}

async function answer(
  root: string,
  state: State,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  await state.during?.(request.url ?? '/')
  state.seen.push(request.headers.authorization)
  if (request.headers.authorization !== state.expected) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('no\n')
    return
  }
  const url = new URL(request.url ?? '/', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] as string | undefined,
      GIT_PROTOCOL:
        state.protocol === null ? undefined : (request.headers['git-protocol'] as string | undefined),
    },
  })
  child.stdin.on('error', () => {}) // the backend may answer before it read everything
  request.pipe(child.stdin)
  child.stderr.resume()
  child.stdout.on('data', (piece: Buffer) => (state.sentBytes += piece.length))
  relay(child.stdout, response)
}

/** CGI: a head with a `Status`, an empty line, a body. */
function relay(output: NodeJS.ReadableStream, response: ServerResponse): void {
  let head: Buffer | null = Buffer.alloc(0)
  output.on('data', (chunk: Buffer) => {
    if (head === null) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    const lines = head
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': '))
    const fields = Object.fromEntries(lines.map(([name = '', value = '']) => [name.toLowerCase(), value]))
    const { status = '200', ...headers } = fields
    response.writeHead(Number.parseInt(status, 10), headers)
    response.write(head.subarray(end + 4))
    head = null
  })
  output.on('end', () => response.end())
}
