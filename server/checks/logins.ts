import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { OUTSIDE } from '#pipelines/plan/secret-scopes.ts'
import { ownIn } from '#pipelines/own-in.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { openAllSecrets } from '../secrets/open.ts'
import { Unsealable } from '../secrets/seal.ts'
import type { Stores } from '../secrets/stores/stores.ts'
import type { RegistryDeps } from './registry.ts'
import { RegistryError } from './registry-api.ts'

/** A project's secret `user:password` as what opens a registry; one without a colon is a token. Only those that are for every run. */
export const loginsOf =
  (db: Db, keys: Keyring, stores: Stores): RegistryDeps['loginOf'] =>
  async ({ project, secret: name }) => {
    const found = await findProject(db, project)
    if (!found) return null
    const asked = { project: found.id, names: [name], asking: OUTSIDE }
    const secret = await opened(async () => (await openAllSecrets(db, asked, { keys, stores })).values, name)
    if (secret === undefined) return null
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
