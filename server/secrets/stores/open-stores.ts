import type { Config } from '../../config.ts'
import { AwsSecrets } from './aws.ts'
import { GcpSecrets } from './gcp.ts'
import type { SecretStore, StoreName } from './store.ts'
import { Stores } from './stores.ts'
import { Vault } from './vault.ts'

/** The stores that the settings name. @throws {Error} In words, where they say half of what is needed. */
export function openStores(config: Config): Stores {
  const stores: readonly (readonly [StoreName, SecretStore | null])[] = [
    ['vault', vaultOf(config)],
    ['aws', awsOf(config)],
    ['gcp', gcpOf(config)],
  ]
  const named = stores.flatMap(([name, store]) => (store === null ? [] : [[name, store] as const]))
  return new Stores(new Map(named), config.TAKT_STORE_PREFIX)
}

function vaultOf(config: Config): SecretStore | null {
  const { TAKT_VAULT_ADDR: address, TAKT_VAULT_TOKEN: token } = config
  const { TAKT_VAULT_ROLE_ID: roleId, TAKT_VAULT_SECRET_ID: secretId } = config
  if (address === undefined) return null
  const place = { address, mount: config.TAKT_VAULT_MOUNT, namespace: config.TAKT_VAULT_NAMESPACE ?? null }
  if (token !== undefined) return new Vault({ ...place, login: { token } })
  if (roleId === undefined || secretId === undefined)
    throw new Error('TAKT_VAULT_ADDR needs TAKT_VAULT_TOKEN, or TAKT_VAULT_ROLE_ID and TAKT_VAULT_SECRET_ID')
  return new Vault({ ...place, login: { roleId, secretId, at: config.TAKT_VAULT_APPROLE } })
}

function awsOf(config: Config): SecretStore | null {
  const { TAKT_AWS_REGION: region, TAKT_AWS_KEY: id, TAKT_AWS_SECRET: secret } = config
  if (region === undefined) return null
  if ((id === undefined) !== (secret === undefined))
    throw new Error(
      'TAKT_AWS_KEY and TAKT_AWS_SECRET go together; leave out both to be let in as the machine is',
    )
  const key = id === undefined || secret === undefined ? null : { id, secret }
  return new AwsSecrets({ region, key, endpoint: config.TAKT_AWS_ENDPOINT ?? null })
}

function gcpOf(config: Config): SecretStore | null {
  const { TAKT_GCP_PROJECT: project, TAKT_GCP_KEY_FILE: keyFile, TAKT_GCP_ENDPOINT: endpoint } = config
  return project === undefined ? null : new GcpSecrets({ project, keyFile: keyFile ?? null, endpoint })
}
