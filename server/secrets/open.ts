import type { ProjectId } from '#pipelines/ids.ts'
import { type Asking, type Choice, chooseSecret, scopeWords } from '#pipelines/plan/secret-scopes.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Keyring } from './keyring.ts'
import { candidateOf, placeOf } from './owner.ts'

export type Asked = {
  readonly project: ProjectId
  readonly names: readonly string[]
  readonly asking: Asking
}

/** Every secret of these names that a project could have: its own and its organization's. */
async function candidates(db: Db | Trx, { project, names }: Pick<Asked, 'project' | 'names'>) {
  if (names.length === 0) return []
  const rows = await db
    .selectFrom('secrets')
    .selectAll()
    .where('name', 'in', [...names])
    .where((eb) =>
      eb.or([
        eb('project_id', '=', project),
        eb(
          'organization_id',
          '=',
          eb.selectFrom('projects').select('projects.organization_id').where('projects.id', '=', project),
        ),
      ]),
    )
    .orderBy('id')
    .execute()
  return rows.map(candidateOf)
}
export type SecretCandidate = Awaited<ReturnType<typeof candidates>>[number]

/** For each name the secret that whoever asks gets, and why it is not another one. */
export async function chooseSecrets(
  db: Db | Trx,
  asked: Asked,
): Promise<ReadonlyMap<string, Choice<SecretCandidate>>> {
  const all = await candidates(db, asked)
  const of = (name: string) => all.filter((each) => each.name === name)
  return new Map(asked.names.map((name) => [name, chooseSecret(of(name), asked.asking)]))
}

export type Opened = {
  readonly values: Readonly<Record<string, string>>
  /** Of those that are there and not for whoever asks: why, in words. */
  readonly unmeant: Readonly<Record<string, string>>
}

/**
 * The values of those of the named secrets that are for whoever asks. Only for what is handed to the holder of a lease.
 *
 * @throws {Unsealable} When one cannot be read with this server's keys.
 */
export async function openSecrets(db: Db | Trx, asked: Asked, keys: Keyring): Promise<Opened> {
  const values: Record<string, string> = {}
  const unmeant: Record<string, string> = {}
  for (const [name, { chosen, passedOver }] of await chooseSecrets(db, asked)) {
    if (chosen?.sealed) values[name] = await keys.unseal(chosen.sealed, placeOf(chosen))
    else if (passedOver.length > 0) unmeant[name] = passedOver.map(whyNot).join('; ')
  }
  return { values, unmeant }
}

const whyNot = ({ candidate, because }: Choice<SecretCandidate>['passedOver'][number]) =>
  `the ${candidate.owner}’s ${scopeWords(candidate)}: ${because}`
