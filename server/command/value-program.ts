import { type Command, InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

function whole(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a whole number, such as 1 or -5.')
}
function version(text: string): string {
  if (/^[1-9]\d{0,8}$/.test(text)) return text
  throw new InvalidArgumentError('A version is a number; `takt kv history` tells them.')
}

const IF_VERSION = ['--if-version <number>', 'only where the value is at this version', version] as const

/** Commands for what a project remembers by key. */
export function values(add: Add, ending: EndingWith): void {
  const parent = add('kv', 'values of a project by key, with history; no place for secrets')
  const keyed = (command: Command) => command.argument('<project>').argument('<key>')
  add('list', 'keys and what they hold', parent)
    .argument('<project>')
    .option('--prefix <text>', 'only keys that begin so')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) => (await import('./values.ts')).listValues(project, options)),
    )
  keyed(add('get', 'print a value', parent))
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, key: string, options) =>
        (await import('./values.ts')).getValue(project, key, options),
      ),
    )
  keyed(add('set', 'set a value', parent))
    .argument('[value]', 'without it, what stands on standard input')
    .option(...IF_VERSION)
    .option('--new', 'only where there is none yet')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, key: string, value: string | undefined, options) =>
        (await import('./values.ts')).setValue({ project, key }, value, options),
      ),
    )
  keyed(add('remove', 'remove a value', parent))
    .option(...IF_VERSION)
    .action(
      ending(async (project: string, key: string, options) =>
        (await import('./values.ts')).removeValue(project, key, options),
      ),
    )
  keyed(add('incr', 'count a value up, and print what it is then', parent))
    .option('--by <number>', 'by how much; --by=-1 counts down', whole)
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, key: string, options) =>
        (await import('./values.ts')).incrementValue(project, key, options),
      ),
    )
  keyed(add('history', 'what a value was, newest first', parent))
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, key: string, options) =>
        (await import('./values.ts')).historyOfValue(project, key, options),
      ),
    )
}
