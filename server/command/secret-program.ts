import type { Command } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

/** Commands that keep secrets. */
export function secrets(add: Add, ending: EndingWith): void {
  const parent = add('secrets', 'what jobs and resources are opened with; no value is ever shown again')
  const owned = (command: Command) =>
    command
      .argument('<project>')
      .option('--organization', 'the name is an organization’s: all of its projects may use the secret')
  scoped(owned(add('set', 'store a secret: its value is read from standard input', parent)))
    .argument('<name>', 'as jobs ask for it, such as DEPLOY_KEY')
    .option('--store <vault|aws|gcp>', 'it lies in a store that the server is let into; nothing is read')
    .option('--reference <path#field>', 'where it lies there, below what is the owner’s')
    .action(
      ending(async (owner: string, name: string, options) =>
        (await import('./secrets.ts')).setSecret(owner, name, options),
      ),
    )
  owned(add('list', 'names, what they are for, and times', parent))
    .option(...JSON_OUT)
    .action(
      ending(async (owner: string, options) => (await import('./secrets.ts')).listSecrets(owner, options)),
    )
  scoped(owned(add('remove', 'forget the secret of a name that is for just these runs', parent)))
    .argument('<name>')
    .action(
      ending(async (owner: string, name: string, options) =>
        (await import('./secrets.ts')).removeSecret(owner, name, options),
      ),
    )
  add('explain', 'which secrets a job gets, and why not others of the same name', parent)
    .argument('<project/pipeline/job>')
    .option('--lane <name>', 'without it the default branch’s')
    .option('--trigger <start>', 'what starts the run; without it what makes the lane')
    .option(...JSON_OUT)
    .action(
      ending(async (job: string, options) => (await import('./secrets.ts')).explainSecrets(job, options)),
    )
}

const scoped = (command: Command): Command =>
  command
    .option('--environment <name>', 'only for jobs that change this environment')
    .option('--job <glob>', 'only for jobs of these names')
    .option('--trigger <start>', 'only for runs started by push, tag, schedule, manual or upstream')
    .option('--branch <glob>', 'only on the lanes of these branches')
