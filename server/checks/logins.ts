import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { openSecrets } from '../secrets/queries.ts'
import { Unsealable } from '../secrets/seal.ts'
import type { RegistryDeps } from './registry.ts'
import { RegistryError } from './registry-api.ts'

/** A project's secret `user:password` as what opens a registry; one without a colon is a token. */
export const loginsOf =
  (db: Db, wrapping: Buffer): RegistryDeps['loginOf'] =>
  async ({ project, secret: name }) => {
    const found = await findProject(db, project)
    if (!found) return null
    const secret = await opened(() => openSecrets(db, { project: found.id, names: [name] }, wrapping), name)
    if (secret === undefined) return null
    const colon = secret.indexOf(':')
    return colon < 0
      ? { username: 'token', password: secret }
      : { username: secret.slice(0, colon), password: secret.slice(colon + 1) }
  }

async function opened(
  open: () => Promise<Record<string, string>>,
  name: string,
): Promise<string | undefined> {
  try {
    return (await open())[name]
  } catch (error) {
    if (error instanceof Unsealable) throw new RegistryError('secret_unreadable', error.message)
    throw error
  }
}
