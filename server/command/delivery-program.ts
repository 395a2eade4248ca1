import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

/** Commands for what others tell us. */
export function deliveries(add: Add, ending: EndingWith): void {
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
