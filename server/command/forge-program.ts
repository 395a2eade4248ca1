import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

const statusId = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A status is named by its number; `takt statuses` lists them.')
}

/** Commands about what forges bring and are told. */
export function forges(add: Add, ending: EndingWith): void {
  add('pulls', 'pull requests from forks that wait for somebody’s word')
    .option('--project <name>')
    .option('--state <state>', 'waiting when absent; `all` for every one')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./pulls.ts')).pulls(options)))
  add('statuses', 'what forges are told of commits, and whether it arrived')
    .option('--project <name>')
    .option('--sha <commit>', 'of this commit')
    .option('--state <state>', 'waiting, sent or failed')
    .option('--retry <status>', 'send this one once more', statusId)
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./statuses.ts')).statuses(options)))
}
