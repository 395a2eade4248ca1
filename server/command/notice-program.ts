import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

function number(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write its number; `takt notices list` and `takt notices rules` tell them.')
}

/** Commands about what people are told. */
export function notices(add: Add, ending: EndingWith): void {
  const parent = add('notices', 'what people are told where they are, and what did not arrive')
  add('list', 'messages, newest first', parent)
    .argument('<project>')
    .option('--state <state>', 'waiting, sent or dead')
    .option('--pipeline <name>')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) =>
        (await import('./notices.ts')).listNotices(project, options),
      ),
    )
  add('retry', 'send a message again that was given up', parent)
    .argument('<project>')
    .argument('<notice>', '', number)
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, id: number, options) =>
        (await import('./notices.ts')).retryNotice(project, id, options),
      ),
    )
  add('rules', 'who is told of what, and what is missing for it', parent)
    .argument('<project/pipeline>')
    .option(...JSON_OUT)
    .action(ending(async (line: string, options) => (await import('./notices.ts')).listRules(line, options)))
  add('test', 'send a test to every place of a rule', parent)
    .argument('<project/pipeline>')
    .argument('<rule>', 'its number', number)
    .option(...JSON_OUT)
    .action(
      ending(async (line: string, index: number, options) =>
        (await import('./notices.ts')).tryRule(line, index, options),
      ),
    )
}
