import { type Command, InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'
import type { Where } from './states.ts'

function whole(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a whole number, such as 1 or -5.')
}
function version(text: string): string {
  if (/^\d{1,9}$/.test(text)) return text
  throw new InvalidArgumentError('A version is a number; `takt state history` tells them.')
}

const WHAT = '<project/pipeline/jobs|resources/name>'
const REASON = ['--reason <text>', 'why; the history tells it'] as const
const IF_VERSION = ['--if-version <number>', 'only where it is still this version', version] as const

/** Commands for what jobs and resources of a line remember. */
export function states(add: Add, ending: EndingWith): void {
  const parent = add('state', 'what jobs and resources of a line remember, with history')
  const looking = (command: Command) =>
    command
      .option('--lane <lane>', 'the lane; without it the default branch’s')
      .option('--leg <json>', 'the leg of a matrix, such as {"node":"22"}')
  const json = (command: Command) => command.option(...JSON_OUT)
  const reading = (name: string, words: string) => json(looking(add(name, words, parent).argument(WHAT)))
  const changing = (name: string, words: string) =>
    looking(add(name, words, parent).argument(WHAT))
      .requiredOption(...REASON)
      .option(...IF_VERSION)
      .option(...JSON_OUT)
  const file = () => import('./states.ts')

  json(add('list', 'what the line remembers on a lane, and how much room that takes', parent))
    .argument('<project/pipeline>')
    .option('--lane <lane>', 'the lane; without it the default branch’s')
    .action(ending(async (line: string, options) => (await file()).listStates(line, options)))
  reading('show', 'keys and files of a version')
    .option('--version <number>', 'a version; without it the newest', version)
    .action(ending(async (what: string, options: Where) => (await file()).showState(what, options)))
  reading('get', 'print a file, or a key of a resource; secrets are hidden')
    .argument('<path>')
    .option('--version <number>', 'a version; without it the newest', version)
    .action(
      ending(async (what: string, path: string, options: Where) =>
        (await file()).getContent(what, path, options),
      ),
    )
  reading('history', 'its versions, newest first: when, which run or person, and why').action(
    ending(async (what: string, options: Where) => (await file()).historyOfState(what, options)),
  )
  reading('diff', 'what two versions have not in common; the newest two without a number')
    .argument('[from]', 'a version', version)
    .argument('[to]', 'a version', version)
    .action(
      ending(async (what: string, from: string | undefined, to: string | undefined, options: Where) =>
        (await file()).diffOfState(what, { from, to }, options),
      ),
    )
  changing('set', 'set keys of a resource, and leave the others as they are')
    .argument('[key=value...]')
    .option('--unset <key...>', 'keys that go')
    .option('--overwrite', 'keys that are not named go, too')
    .action(
      ending(async (what: string, pairs: string[], options) => (await file()).setKeys(what, pairs, options)),
    )
  changing('write', 'write a file from standard input')
    .argument('<path>')
    .action(
      ending(async (what: string, path: string, options) => (await file()).writeFile(what, path, options)),
    )
  changing('remove', 'remove files; of a folder all that is in it')
    .argument('<path...>')
    .action(
      ending(async (what: string, paths: string[], options) =>
        (await file()).removeFiles(what, paths, options),
      ),
    )
  changing('restore', 'make an earlier version the newest again')
    .argument('<version>', 'a version', version)
    .action(
      ending(async (what: string, number: string, options) =>
        (await file()).restoreState(what, number, options),
      ),
    )
  json(add('incr', 'count a key of a resource up, and print what it is then', parent))
    .argument(WHAT)
    .argument('<key>')
    .option('--lane <lane>', 'the lane; without it the default branch’s')
    .option('--by <number>', 'by how much; --by=-1 counts down', whole)
    .option(...REASON)
    .action(
      ending(async (what: string, key: string, options) => (await file()).incrementKey(what, key, options)),
    )
}
