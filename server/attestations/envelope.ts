import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import type { Envelope } from '../db/attestation-tables.ts'

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
/** What stands before the 32 bytes of an Ed25519 private key (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export type Signer = {
  readonly keyid: string
  /** PEM. */
  readonly publicKey: string
  sign(statement: object): Envelope
}

/**
 * The server's own hand. Its Ed25519 key is derived from the server's key (HKDF, RFC 5869): several servers have the same, it is
 * stored nowhere, and a new key of the server is a new one here.
 */
export function signerOf(secretKey: string): Signer {
  const seed = Buffer.from(hkdfSync('sha256', secretKey, 'takt', 'attestations', 32))
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const keyid = keyidOf(publicKey)
  return {
    keyid,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    sign(statement) {
      const payload = Buffer.from(JSON.stringify(statement))
      const sig = sign(null, signedBytes(PAYLOAD_TYPE, payload), key)
      return {
        payloadType: PAYLOAD_TYPE,
        payload: payload.toString('base64'),
        signatures: [{ keyid, sig: sig.toString('base64') }],
      }
    },
  }
}

const keyidOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32)

/** DSSE's pre-authentication encoding: the type is signed with the payload, so that neither stands for something else. */
const signedBytes = (type: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])

/**
 * What an envelope says, if one of these keys signed it.
 *
 * @param publicKeys  PEM.
 * @returns Null when none of them did.
 */
export function opened(
  envelope: Envelope,
  publicKeys: readonly string[],
): { statement: unknown; keyid: string } | null {
  if (envelope.payloadType !== PAYLOAD_TYPE) return null
  const payload = Buffer.from(envelope.payload, 'base64')
  for (const pem of publicKeys) {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') continue
    const isOurs = envelope.signatures.some(({ sig }) =>
      verify(null, signedBytes(envelope.payloadType, payload), key, Buffer.from(sig, 'base64')),
    )
    if (isOurs) return { statement: JSON.parse(payload.toString('utf8')) as unknown, keyid: keyidOf(key) }
  }
  return null
}
