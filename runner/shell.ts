import type { Plan, PlanStep } from '#pipelines/wire/plan.ts'

/**
 * What a container or process is started with, always the same: a shell that waits for its script on stdin.
 *
 * The script and the environment in it are in no argument list and in no `docker inspect`, the start overlaps with the
 * checkout, and since the script is read to its end, the commands find stdin empty. Bash where there is one.
 */
export const BOOTSTRAP =
  'if command -v bash >/dev/null 2>&1; then exec bash -c \'set -o pipefail; eval "$(cat)"\'; fi; eval "$(cat)"'

/** Names a shell can export; whatever else stands in an environment has no way into it. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

export type RunStep = Extract<PlanStep, { kind: 'run' }>

/** The steps that are commands. */
export const runSteps = ({ steps }: Pick<Plan, 'steps'>): RunStep[] =>
  steps.flatMap((step) => (step.kind === 'run' && step.skip === null ? [step] : []))

export type ScriptFacts = {
  readonly steps: readonly RunStep[]
  readonly env: Readonly<Record<string, string>>
  /** The absolute path in which every step begins. */
  readonly directory: string
  /** 32 hex digits that the commands' own output cannot guess. */
  readonly nonce: string
}

/**
 * A run as one shell script: a subshell for each step, in which `cd` and variables last from command to command.
 *
 * Between the commands the script prints marks (`marks.ts` reads them) on a file descriptor of its own, so that a command
 * that redirects the shell's output does not swallow them. A failed command ends its step, a failed step the script, both
 * with that exit code. On SIGTERM the shells wait for the command that is running and then end with 143.
 */
export function script({ steps, env, directory, nonce }: ScriptFacts): string {
  const parts = ['exec 8>&1 2>&1', ...exports(env), `cd ${quote(directory)} || exit 125`, 'trap : TERM']
  steps.forEach(({ commands }, step) => parts.push(...stepLines(commands, `${nonce}:${step}`)))
  return parts.join('\n') + '\n'
}

function stepLines(commands: readonly string[], prefix: string): string[] {
  const body = commands.flatMap((text, command) => [mark(`${prefix}.${command}`), `eval ${quote(text)}`])
  return [
    '(',
    "trap 'exit 143' TERM",
    'set -eu',
    ...body,
    ')',
    // The exit code waits in a positional parameter, so that no variable of ours shows up among the commands' own.
    'set -- "$?"',
    mark(prefix, '$1'),
    '[ "$1" -eq 0 ] || exit "$1"',
    'set --',
  ]
}

/** Prints `RS prefix:code RS`; the braces hide it from a shell that traces its commands (`set -x`). */
function mark(prefix: string, code = '$?'): string {
  return `{ command printf '\\036${prefix}:%s\\036' "${code}" >&8 || :; } 2>/dev/null`
}

function exports(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env)
    .filter(([name]) => VARIABLE.test(name))
    .map(([name, value]) => `export ${name}=${quote(value)}`)
}

/** A word that every POSIX shell reads as exactly `text`; a NUL, which no shell can hold, is left out. */
export function quote(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", `'\\''`)}'`
}
