import { spawn } from 'node:child_process'
import { EngineError } from './engine.ts'

/** As much of git's last words as goes into an error. */
const WORDS_BYTES = 2_000
/** As much of what git says on stdout as is kept. */
const OUTPUT_LETTERS = 100_000

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
  /** Of the commits that git makes, in its own variables. */
  readonly author?: Readonly<Record<`GIT_${'AUTHOR' | 'COMMITTER'}_${'NAME' | 'EMAIL'}`, string>>
  /** A folder and a file that git works with instead of those beside the repository. */
  readonly workTree?: { readonly path: string; readonly index: string }
  /** Exit code 1 is an answer too, as `merge-tree` gives it for a conflict. */
  readonly conflictsAreAnswers?: true
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
  await gitOutput(args, options)
}

/** The same, with what git says on stdout, of which no more than a little is expected. */
export async function gitOutput(args: readonly string[], options: GitOptions): Promise<string> {
  options.signal.throwIfAborted()
  const child = spawn('git', ['--git-dir', options.repository, ...args], {
    env: environment(options),
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: options.signal,
  })
  child.stdin.on('error', () => {}) // a git that ends before it read everything says why
  child.stdin.end(options.input ?? '')
  let words = ''
  let output = ''
  child.stdout
    .setEncoding('utf8')
    .on('data', (text: string) => (output = (output + text).slice(0, OUTPUT_LETTERS)))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-WORDS_BYTES)))
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(options.signal.aborted ? options.signal.reason : notStarted(error)))
    child.on('close', resolve)
  })
  const isAnswer = exitCode === 0 || (exitCode === 1 && options.conflictsAreAnswers)
  if (!isAnswer) throw new GitError(clean(words, options.secrets ?? []) || `git ended with ${exitCode}`)
  return output
}

function environment({ env, settings, author, workTree }: GitOptions): Record<string, string> {
  const all = Object.entries({ ...SAFE, ...settings })
  const result: Record<string, string> = {
    ...env,
    ...author,
    ...(workTree ? { GIT_WORK_TREE: workTree.path, GIT_INDEX_FILE: workTree.index } : {}),
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
