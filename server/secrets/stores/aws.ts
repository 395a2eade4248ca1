import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type SecretStore, StoreRefusal } from './store.ts'

export type AwsAccess = {
  readonly region: string
  /** Null: as the machine is let in, by its role, its profile or its variables. */
  readonly key: { readonly id: string; readonly secret: string } | null
  /** Null: the region’s own. */
  readonly endpoint: string | null
}

/** AWS Secrets Manager, by Amazon’s own library, which is loaded when the first secret is asked for. */
export class AwsSecrets implements SecretStore {
  readonly field = null
  readonly #access: AwsAccess
  #client: Promise<SecretsManagerClient> | null = null

  constructor(access: AwsAccess) {
    this.#access = access
  }

  nameOf = (parts: readonly string[]): string => parts.join('/')

  async read(name: string, signal: AbortSignal): Promise<string> {
    const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
    this.#client ??= this.#open()
    const client = await this.#client
    const asked = new GetSecretValueCommand({ SecretId: name })
    const { SecretString } = await client.send(asked, { abortSignal: signal }).catch((error: unknown) => {
      throw refusalIn(error) ?? error
    })
    if (SecretString === undefined) throw new StoreRefusal('it is binary; store text there, files in base64')
    return SecretString
  }

  async #open(): Promise<SecretsManagerClient> {
    const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
    const { region, key, endpoint } = this.#access
    return new SecretsManagerClient({
      region,
      ...(endpoint === null ? {} : { endpoint }),
      ...(key === null ? {} : { credentials: { accessKeyId: key.id, secretAccessKey: key.secret } }),
    })
  }
}

/** What the service says about what was asked; an error without a status never got there. */
function refusalIn(error: unknown): StoreRefusal | null {
  if (!(error instanceof Error) || !('$metadata' in error)) return null
  const { httpStatusCode: status } = error.$metadata as { httpStatusCode?: number }
  if (status === undefined) return null
  if (error.name === 'ResourceNotFoundException') return new StoreRefusal('there is nothing')
  if (error.name === 'AccessDeniedException')
    return new StoreRefusal('this server may not read there: allow it `secretsmanager:GetSecretValue`')
  return new StoreRefusal(`the answer is ${status}, ${error.name}`)
}
