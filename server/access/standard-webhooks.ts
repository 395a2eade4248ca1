import { createHmac } from 'node:crypto'

/** What the Standard Webhooks specification (standardwebhooks.com) signs: a message's own name, when it was sent, and its body. */
export type StandardContent = {
  readonly id: string
  /** Unix time in seconds, as written. */
  readonly timestamp: string
  readonly body: string | Uint8Array
}

/**
 * The keys that a secret may stand for, the specification's first: what follows `whsec_` is base64. Some senders take the secret as it
 * is written all the same.
 */
export function standardKeys(secret: string): readonly [Buffer, ...Buffer[]] {
  const written = Buffer.from(secret)
  return secret.startsWith('whsec_')
    ? [Buffer.from(secret.slice('whsec_'.length), 'base64'), written]
    : [written]
}

/** The signature in base64, without its `v1,`. */
export const standardSignature = (key: Buffer, { id, timestamp, body }: StandardContent): string =>
  createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
