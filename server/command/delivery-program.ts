import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

const deliveryId = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A delivery is named by its number; `takt deliveries` lists them.')
}

/** Commands for what others tell us. */
export function deliveries(add: Add, ending: EndingWith): void {
  const parent = add('deliveries', 'what others told us, and what became of it')
  parent
    .command('list', { isDefault: true })
    .description('the newest of them')
    .option('--project <name>')
    .option('--source <sender>', 'github, gitlab, gitea, git, hosted, events or registry')
    .option('--event <name>')
    .option('--state <state>', 'received, processed, ignored, refused or failed')
    .option('--limit <count>', 'at most so many, 200 at most')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./deliveries.ts')).listDeliveries(options)))
  add('show', 'one of them: its versions and runs, or why there are none', parent)
    .argument('<delivery>', '', deliveryId)
    .option('--payload', 'its body, and nothing else')
    .option(...JSON_OUT)
    .action(
      ending(async (id: number, options) => (await import('./deliveries.ts')).showDelivery(id, options)),
    )
  add('replay', 'look at one once more', parent)
    .argument('<delivery>', '', deliveryId)
    .action(ending(async (id: number) => (await import('./deliveries.ts')).replayDelivery(id)))
  add(
    'catch-up',
    'compare the refs of a project’s repository now, and tell of pushes that nobody told of',
    parent,
  )
    .argument('<project>')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) => (await import('./deliveries.ts')).catchUp(project, options)),
    )
  add(
    'hook',
    'where forges, registries and sources of events tell a project of something, and by which secrets',
  )
    .argument('<project>')
    .option('--source <name>', 'a source of events of your own, as `event` resources name it')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) => (await import('./hook.ts')).showHook(project, options)),
    )
}
