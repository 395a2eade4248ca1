/** The stores of others in which a secret may lie: HashiCorp Vault or OpenBao, AWS Secrets Manager, Google Cloud Secret Manager. */
export const STORES = ['vault', 'aws', 'gcp'] as const
export type StoreName = (typeof STORES)[number]

export const STORE_WORDS: Readonly<Record<StoreName, string>> = {
  vault: 'Vault',
  aws: 'AWS Secrets Manager',
  gcp: 'Google Cloud Secret Manager',
}

/** One of them, as this server is let in there. It holds no value longer than an answer takes. */
export interface SecretStore {
  /** The name of what lies there, made of parts of which none holds a `/`. @throws {StoreRefusal} Where no such name can be. */
  nameOf(parts: readonly string[]): string
  /**
   * What lies there now; fields of Vault as JSON.
   *
   * @throws {StoreRefusal} When the store says no; anything else when it cannot be asked.
   */
  read(name: string, signal: AbortSignal): Promise<string>
  /** The field that is taken where a reference names none; null: the whole text. */
  readonly field: string | null
}

/** Why a store gives nothing: the end of a sentence that begins with what was asked for, and never a value. */
export class StoreRefusal extends Error {
  override readonly name = 'StoreRefusal'
}

/** Longer answers hold no secret. */
export const MOST_ANSWER_BYTES = 256 * 1024

/** The body of an answer as text, as far as it is read. @throws {StoreRefusal} */
export async function boundedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength
    if (bytes > MOST_ANSWER_BYTES)
      throw new StoreRefusal(`the answer has more than ${MOST_ANSWER_BYTES} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
