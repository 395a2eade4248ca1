import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

const gathered = (header: string, before: readonly string[]) => [...before, header]

/** Commands for what the `call` steps of a project may call. */
export function services(add: Add, ending: EndingWith): void {
  const parent = add('services', 'what the `call` steps of a project may call')
  add('list', 'the services of a project', parent)
    .argument('<project>')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) =>
        (await import('./services.ts')).listServices(project, options),
      ),
    )
  add('set', 'declare a service, or change it', parent)
    .argument('<project/service>', 'the name that `call` steps use')
    .argument('<url>', 'its address; calls name paths under it')
    .option(
      '--header <Name: value>',
      'sent with every call, as often as needed; $(secret.NAME) is a secret',
      gathered,
      [],
    )
    .option(...JSON_OUT)
    .action(
      ending(async (name: string, url: string, options) =>
        (await import('./services.ts')).setService(name, { url, ...options }),
      ),
    )
  add('remove', 'call it no more', parent)
    .argument('<project/service>')
    .action(ending(async (name: string) => (await import('./services.ts')).removeService(name)))
}
