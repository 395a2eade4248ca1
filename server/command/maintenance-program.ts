import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

/** Commands about what files have no more. */
export function removed(add: Add, ending: EndingWith): void {
  const parent = add('removed', 'what the default branch has no more, and its history')
  add('list', 'what is removed from a project, the last first', parent)
    .argument('<project>')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) =>
        (await import('./removed.ts')).listRemoved(project, options),
      ),
    )
  add('delete', 'delete its runs, logs, files and versions for good', parent)
    .argument('<project/pipeline[/job]>')
    .option('--resource', 'the third name is a resource, not a job')
    .requiredOption('--confirm <name>', 'the last name once more')
    .option(...JSON_OUT)
    .action(
      ending(async (place: string, options) => (await import('./removed.ts')).deleteRemoved(place, options)),
    )
}

/** Commands that let the whole server stand still, and go on. */
export function maintenance(add: Add, ending: EndingWith): void {
  const parent = add('maintenance', 'let nothing begin on the whole server, and let it go on')
  add('on', 'let nothing begin; what runs goes on to its end, what comes is kept and queued', parent)
    .requiredOption('--reason <words>', 'why; everybody reads it')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./maintenance.ts')).begin(options)))
  add('off', 'let everything go on', parent)
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./maintenance.ts')).end(options)))
  add('status', 'whether it is on, since when and why', parent)
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./maintenance.ts')).status(options)))
}
