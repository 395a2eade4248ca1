import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

const ACTS = [
  ['pause', 'give it no new work'],
  ['drain', 'give it no new work, so that it can be stopped once it is empty'],
  ['resume', 'give it work again'],
  ['reset', 'let it try its engine again at once'],
] as const

/** Commands that look at runners and steer them. */
export function runners(add: Add, ending: EndingWith): void {
  const parent = add('runners', 'the runners, what each is doing, and why one takes no work')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./runners.ts')).listRunners(options)))
  add('events', 'what has happened to a runner', parent)
    .argument('<name>')
    .option(...JSON_OUT)
    .action(
      ending(async (name: string, options) => (await import('./runners.ts')).runnerEvents(name, options)),
    )
  for (const [act, description] of ACTS)
    add(act, description, parent)
      .argument('<name>')
      .option('--reason <words>', 'shown beside the runner')
      .option(...JSON_OUT)
      .action(
        ending(async (name: string, options) => (await import('./runners.ts')).steer(act, name, options)),
      )
}
