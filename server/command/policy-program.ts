import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

/** Commands that say what the lines of an organization may use. */
export function policies(add: Add, ending: EndingWith): void {
  const parent = add('policies', 'what the lines of an organization may use')
  add('show', 'the policies as they were written', parent)
    .argument('<organization>')
    .option(...JSON_OUT)
    .action(
      ending(async (organization: string, options) =>
        (await import('./policies.ts')).showPolicies(organization, options),
      ),
    )
  add('set', 'take policies from a YAML file', parent)
    .argument('<organization>')
    .argument('<file>')
    .action(
      ending(async (organization: string, file: string) =>
        (await import('./policies.ts')).setPolicies(organization, file),
      ),
    )
  add('try', 'say what they would warn of and deny now; exit with 1 if they would deny something', parent)
    .argument('<organization>')
    .argument('[file]', 'instead of those that are set')
    .option(...JSON_OUT)
    .action(
      ending(async (organization: string, file: string | undefined, options) =>
        (await import('./policies.ts')).tryPolicies(organization, file, options),
      ),
    )
}
