import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { OUTSIDE } from '#pipelines/plan/secret-scopes.ts'
import { ownIn } from '#pipelines/own-in.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { openAllSecrets } from '../secrets/open.ts'
import { Unsealable } from '../secrets/seal.ts'
import type { Stores } from '../secrets/stores/stores.ts'
import type { SecretName } from './questions.ts'
import type { RegistryDeps } from './registry.ts'
import { RegistryError } from './registry-api.ts'

/** What a project's secret holds for those who look outside; null where there is none for every run. @throws {RegistryError} */
export type SecretsOf = (secret: SecretName) => Promise<string | null>

/** Only those that are for every run. */
export const secretsOf =
  (db: Db, keys: Keyring, stores: Stores): SecretsOf =>
  async ({ project, secret: name }) => {
    const found = await findProject(db, project)
    if (!found) return null
    const asked = { project: found.id, names: [name], asking: OUTSIDE }
    return (
      (await opened(async () => (await openAllSecrets(db, asked, { keys, stores })).values, name)) ?? null
    )
  }

/** A project's secret `user:password` as what opens a registry; one without a colon is a token. */
export const loginsOf =
  (db: Db, keys: Keyring, stores: Stores): RegistryDeps['loginOf'] =>
  async (login) => {
    const secret = await secretsOf(db, keys, stores)(login)
    if (secret === null) return null
    const colon = secret.indexOf(':')
    return colon < 0
      ? { username: 'token', password: secret }
      : { username: secret.slice(0, colon), password: secret.slice(colon + 1) }
  }

async function opened(
  open: () => Promise<Readonly<Record<string, string>>>,
  name: string,
): Promise<string | undefined> {
  try {
    return ownIn(await open(), name)
  } catch (error) {
    if (error instanceof Unsealable) throw new RegistryError('secret_unreadable', error.message)
    throw error
  }
}
