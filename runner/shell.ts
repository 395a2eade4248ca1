import type { Script } from './engine.ts'

/**
 * What a container or process is started with, always the same: a shell that reads what it shall do from stdin, step by step.
 *
 * The scripts and the environment in them are in no argument list and in no `docker inspect`, and the start overlaps with the
 * checkout. Bash where there is one.
 */
export const BOOTSTRAP =
  'if command -v bash >/dev/null 2>&1; then exec bash --norc --noprofile -o pipefail -s; fi; exec /bin/sh -s'

/** Names a shell can export; whatever else stands in an environment has no way into it. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * The first words to a shell. What it says of itself is nobody's log (bash would quote a killed step in full); the marks have a
 * descriptor of their own, so that a command that redirects the output does not swallow them.
 */
const OPENING = 'exec 8>&1 2>/dev/null; trap : TERM'

/** The step of which a shell's first mark is: it only says that the shell is there. */
export const GREETING = 0

/**
 * @param pipe  A named pipe to speak through, where the shell finds it and may write to it: a sandbox may let nobody.
 * @param nonce  The shell's own; it says a mark at once, so that the pipe's name can be taken away before the first step.
 */
export function opening(pipe: string | null, nonce: string): string {
  if (pipe === null) return `${OPENING}\n`
  const path = quote(pipe)
  const choose = `if [ -p ${path} ] && ( : >${path} ) 2>/dev/null; then exec >${path}; fi`
  return `${choose}; ${OPENING}; ${mark(`${nonce}:${GREETING}`, '0')}\n`
}

export type ScriptPlace = {
  /** The absolute path of the workspace's root. */
  readonly root: string
  /** 32 hex digits that the commands' own output cannot guess. */
  readonly nonce: string
  /** Which of the shell's steps it is. */
  readonly step: number
}

/**
 * One step as a shell script: a subshell, in which `cd` and variables last from command to command, with nothing on its stdin.
 *
 * Between the commands the script prints marks (`marks.ts` reads them). A failed command ends the step with its exit code. On
 * SIGTERM the subshell waits for the command that is running and then ends with 143; a shell that got one itself says so: then
 * somebody may be ending all that it runs in. Behind the step the shell says what it
 * left: the content of the output file, whether there is state, and after a failure what the kernel counted.
 */
export function stepScript({ commands, env }: Script, at: ScriptPlace): string {
  const prefix = `${at.nonce}:${at.step}`
  const body = commands.flatMap((text, command) => [
    mark(`${prefix}.${command}`, '$?'),
    `eval ${quote(text)}`,
  ])
  const lines = [
    `trap ${quote(mark(`${prefix}/term`, '1'))} TERM`,
    '(',
    "trap 'exit 143' TERM",
    mark(`${prefix}/pid`, '$$'),
    ...exports(env),
    `cd ${quote(`${at.root}/work`)} || exit 125`,
    'set -eu',
    ...body,
    ') </dev/null 2>&1',
    // The exit code waits in a positional parameter, so that no variable of ours shows up among the commands' own.
    'set -- "$?"',
    outputLine(`${at.root}/output`, prefix),
    ...stateLines(`${at.root}/state`, prefix),
    `[ "$1" -eq 0 ] || ${counts(prefix, FAILURES)}`,
    mark(prefix, '$1'),
    'set --',
  ]
  return atOnce(lines.join('\n') + '\n')
}

/** A step of no commands that tells what the shell's container took so far. */
export function usageScript({ nonce, step }: ScriptPlace): string {
  const prefix = `${nonce}:${step}`
  return atOnce([counts(prefix, USAGE), mark(prefix, '0')].join('\n') + '\n')
}

/** Prints `RS prefix:number RS`; the braces hide it from a shell that traces its commands (`set -x`). */
function mark(prefix: string, number: string): string {
  return `{ command printf '\\036${prefix}:%s\\036' "${number}" >&8 || :; } 2>/dev/null`
}

/** The file's lines between two marks; a pipe in its place would never end. */
function outputLine(file: string, prefix: string): string {
  const path = quote(file)
  const lines = `while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done <${path} >&8`
  return `! [ -f ${path} ] || ! [ -s ${path} ] || ( ${mark(`${prefix}/out`, '1')}; ${lines}; ${mark(`${prefix}/out`, '0')} )`
}

function stateLines(folder: string, prefix: string): string[] {
  const path = quote(folder)
  const any = '[ -e "$2" ] || [ -L "$2" ]'
  return [
    `set -- "$1" ${path}/*`,
    `${any} || set -- "$1" ${path}/.[!.]*`,
    `if ${any}; then ${mark(`${prefix}/state`, '1')}; fi`,
  ]
}

/** Numbers of the kernel, by what they are called here: a file of its own, or a line that begins with a word. */
type Count = { readonly name: string; readonly file: string; readonly word: string | null }
const CGROUP = '/sys/fs/cgroup'
const FAILURES: readonly Count[] = [
  { name: 'oom', file: `${CGROUP}/memory.events`, word: 'oom_kill' },
  { name: 'oom', file: `${CGROUP}/memory/memory.oom_control`, word: 'oom_kill' },
  { name: 'pids', file: `${CGROUP}/pids.events`, word: 'max' },
  { name: 'pids', file: `${CGROUP}/pids/pids.events`, word: 'max' },
]
const USAGE: readonly Count[] = [
  { name: 'peak', file: `${CGROUP}/memory.peak`, word: null },
  { name: 'peak', file: `${CGROUP}/memory/memory.max_usage_in_bytes`, word: null },
  { name: 'usec', file: `${CGROUP}/cpu.stat`, word: 'usage_usec' },
  { name: 'nsec', file: `${CGROUP}/cpuacct/cpuacct.usage`, word: null },
]

/** Read with what every shell has built in: an image need not hold more than a shell. */
function counts(prefix: string, all: readonly Count[]): string {
  const one = ({ name, file, word }: Count) =>
    word === null
      ? `{ read -r n && ${mark(`${prefix}/${name}`, '$n')}; } <${file}`
      : `while read -r w n; do [ "$w" != ${word} ] || ${mark(`${prefix}/${name}`, '$n')}; done <${file}`
  return `( ${all.map((count) => `if [ -r ${count.file} ]; then ${one(count)}; fi`).join('; ')} )`
}

/**
 * A text that bash takes at once: left to itself it would read its stdin byte by byte. Other shells, and a bash that is too old
 * for this, read on where the first line ends, and find the script itself.
 */
function atOnce(text: string): string {
  const take = `LC_ALL=C read -r -N ${Buffer.byteLength(text)} R; eval "unset -v R; $R"`
  return `[ -z "\${BASH_VERSION-}" ] || { ${take}; }\n${text}`
}

function exports(env: Script['env']): string[] {
  return Object.entries(env)
    .filter(([name]) => VARIABLE.test(name))
    .map(([name, value]) => `export ${name}=${quote(value)}`)
}

/** A word that every POSIX shell reads as exactly `text`; a NUL, which no shell can hold, is left out. */
export function quote(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", `'\\''`)}'`
}
