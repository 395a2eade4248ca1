import { spawn } from 'node:child_process'

/** Commits are named in full: 40 hex digits, or 64 where the repository uses SHA-256. */
export const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
export const isZero = (sha: string) => /^0+$/.test(sha)

/** A git command ended otherwise than with 0; `words` is what it said last, `code` is null where a signal ended it. */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly words: string
  readonly code: number | null

  constructor(command: string, words: string, code: number | null = null) {
    super(`git ${command}: ${words}`)
    this.words = words
    this.code = code
  }
}

/**
 * What one object may take of the memory: a few bytes of a pack can stand for any number of them. Larger files are no deltas (git's
 * `core.bigFileThreshold` is 512 MiB), and are written as they come.
 */
export const MOST_OBJECT = '768m'

/**
 * What git may use of this machine: no configuration but ours, no prompts, no hooks, no protocols but those named; and no objects
 * put in the place of others, which whoever pushes could do. Credentials are given by environment, so that they stand in no
 * argument list.
 */
function gitEnv(config: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const all = {
    'protocol.allow': 'never',
    'protocol.http.allow': 'always',
    'protocol.https.allow': 'always',
    'protocol.ssh.allow': 'always',
    'core.hooksPath': '/dev/null',
    'http.followRedirects': 'initial',
    'http.lowSpeedLimit': '1000',
    'http.lowSpeedTime': '30',
    'gc.auto': '0',
    'safe.directory': '*',
    ...config,
  }
  const env: NodeJS.ProcessEnv = {
    PATH: SEARCH_PATH,
    LANG: 'C.UTF-8',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ALLOC_LIMIT: MOST_OBJECT,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_COUNT: String(Object.keys(all).length),
  }
  for (const [index, [key, value]] of Object.entries(all).entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key
    env[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return env
}
const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const MOST_BYTES = 8 * 1024 * 1024
const MOST_MS = 120_000

export type GitOptions = {
  readonly dir: string
  readonly input?: string | Uint8Array
  readonly config?: Readonly<Record<string, string>>
  /** Ends it before its time. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Run git in a bare repository.
 *
 * @returns What it printed, at most 8 MiB.
 * @throws {GitError} When it fails, prints more, or takes longer than two minutes.
 */
export async function git(
  args: readonly string[],
  { dir, input = '', config = {}, signal }: GitOptions,
): Promise<Buffer> {
  const command = args[0] ?? ''
  const child = spawn('git', [...args], {
    env: { ...gitEnv(config), GIT_DIR: dir },
    signal: signal ? AbortSignal.any([signal, AbortSignal.timeout(MOST_MS)]) : AbortSignal.timeout(MOST_MS),
    killSignal: 'SIGKILL',
  })
  const out: Buffer[] = []
  let size = 0
  let words = ''
  child.stdout.on('data', (piece: Buffer) => {
    size += piece.length
    if (size <= MOST_BYTES) out.push(piece)
    else child.kill('SIGKILL')
  })
  child.stderr.on('data', (piece: Buffer) => {
    words = (words + piece.toString('utf8')).slice(-2_000)
  })
  child.stdin.on('error', () => {}) // git may end without reading its input; its exit code says what that meant
  child.stdin.end(input)
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  const code = await promise
  if (size > MOST_BYTES) throw new GitError(command, `printed more than ${MOST_BYTES} bytes`)
  if (code !== 0) throw new GitError(command, words.trim() || `ended with ${code}`, code)
  return Buffer.concat(out)
}
