import { spawn } from 'node:child_process'
import { EngineError } from './engine.ts'

/** As much of git's last words as goes into an error. */
const WORDS_BYTES = 2_000

/** git's own refusal: what it said last, without anything secret. */
export class GitError extends Error {}

export type GitOptions = {
  /** The repository's own folder (`.git`, or the bare one). */
  readonly repository: string
  readonly signal: AbortSignal
  /** Settings in git's words, handed over in the environment: not in the argument list, not on disk. */
  readonly settings?: Readonly<Record<string, string>>
  /** Of the machine's environment, what git needs: where programs are, and proxies. */
  readonly env: Readonly<Record<string, string>>
  /** What git reads from stdin. */
  readonly input?: string
  /** Never to be seen in what git said. */
  readonly secrets?: readonly string[]
}

const SAFE = {
  'core.hooksPath': '/dev/null',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'transfer.unpackLimit': '1',
  'protocol.allow': 'never',
  'advice.detachedHead': 'false',
  'safe.directory': '*',
}

/**
 * Run git without a shell, a question, a hook or anybody's configuration.
 *
 * @throws {GitError} When git refused.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<void> {
  options.signal.throwIfAborted()
  const child = spawn('git', ['--git-dir', options.repository, ...args], {
    env: environment(options),
    stdio: ['pipe', 'ignore', 'pipe'],
    signal: options.signal,
  })
  child.stdin.on('error', () => {}) // a git that ends before it read everything says why
  child.stdin.end(options.input ?? '')
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-WORDS_BYTES)))
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(options.signal.aborted ? options.signal.reason : notStarted(error)))
    child.on('close', resolve)
  })
  if (exitCode !== 0) throw new GitError(clean(words, options.secrets ?? []) || `git ended with ${exitCode}`)
}

function environment({ env, settings }: GitOptions): Record<string, string> {
  const all = Object.entries({ ...SAFE, ...settings })
  const result: Record<string, string> = {
    ...env,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_CONFIG_COUNT: String(all.length),
  }
  all.forEach(([key, value], index) => {
    result[`GIT_CONFIG_KEY_${index}`] = key
    result[`GIT_CONFIG_VALUE_${index}`] = value
  })
  return result
}

function clean(words: string, secrets: readonly string[]): string {
  const lines = words.trim().split('\n').slice(-5).join('\n')
  return secrets.reduce((text, secret) => (secret ? text.replaceAll(secret, '***') : text), lines)
}

const notStarted = (error: Error) =>
  new EngineError('checkout_failed', `git could not be started: ${error.message}`, { cause: error })
