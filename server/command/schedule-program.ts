import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

/** Commands for what comes by the clock. */
export function schedules(add: Add, ending: EndingWith): void {
  const WHICH = '<project/pipeline/schedule>'
  const parent = add('schedules', 'what comes by the clock, when next, and what became of it')
  parent
    .command('list', { isDefault: true })
    .description('schedules with their next times; also without this word')
    .option('--project <name>')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./schedules.ts')).listSchedules(options)))
  add('show', 'one schedule: its next five times here and there, and the times that came last', parent)
    .argument(WHICH)
    .option(...JSON_OUT)
    .action(
      ending(async (name: string, options) => (await import('./schedules.ts')).showSchedule(name, options)),
    )
  add('pause', 'let none of its times start anything', parent)
    .argument(WHICH)
    .requiredOption('--reason <words>', 'why; everybody who looks at it reads it')
    .option(...JSON_OUT)
    .action(ending(async (name: string, options) => (await import('./schedules.ts')).pause(name, options)))
  add('resume', 'go on with the time that comes next', parent)
    .argument(WHICH)
    .option(...JSON_OUT)
    .action(ending(async (name: string, options) => (await import('./schedules.ts')).resume(name, options)))
  add('fire', 'let a time come now', parent)
    .argument(WHICH)
    .option(...JSON_OUT)
    .action(ending(async (name: string, options) => (await import('./schedules.ts')).fire(name, options)))
}
