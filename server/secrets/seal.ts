import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** What a value belongs to. It is sealed in with the value, so that a row copied to another place opens nothing there. */
export type Place = {
  /** In words, for people. */
  readonly name: string
  /** In full: no two values that must not stand for one another have the same. */
  readonly bound: readonly (string | number | null)[]
}

/** The first byte of everything sealed: the form that follows it. */
const FORM = 1
const KEY_BYTES = 32
const MARK_BYTES = 8
const IV_BYTES = 12
const TAG_BYTES = 16
const BOX_BYTES = IV_BYTES + TAG_BYTES

/** The key that keys of secrets are wrapped in: derived (HKDF, RFC 5869) from the server's own, and stored nowhere. */
export const wrappingKey = (secretKey: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secretKey, 'takt', 'secrets', KEY_BYTES))

/**
 * Seal a value in an envelope: encrypted with a key of its own, which lies beside it, wrapped in the server's key; both by
 * AES-256-GCM.
 *
 * @returns The form (1 byte), the mark of the wrapping key (8), the wrapped key (60), the value (28 and its length).
 */
export function seal(value: string, place: Place, wrapping: Buffer): Buffer {
  const own = randomBytes(KEY_BYTES)
  const aad = boundTo(place)
  return Buffer.concat([
    Buffer.of(FORM),
    markOf(wrapping),
    box(own, { key: wrapping, aad }),
    box(Buffer.from(value), { key: own, aad }),
  ])
}

/**
 * @throws {Unsealable} When it was sealed with another key, for another place, or was changed.
 */
export function unseal(sealed: Buffer, place: Place, wrapping: Buffer): string {
  const keyAt = 1 + MARK_BYTES
  const valueAt = keyAt + BOX_BYTES + KEY_BYTES
  if (sealed[0] !== FORM || sealed.length < valueAt + BOX_BYTES)
    throw new Unsealable(`the secret ${place.name} is stored in a form that this version does not know`)
  if (!sealed.subarray(1, keyAt).equals(markOf(wrapping)))
    throw new Unsealable(
      `the secret ${place.name} was stored under another TAKT_SECRET_KEY; set that one, or set the secret again`,
    )
  const aad = boundTo(place)
  try {
    const own = unbox(sealed.subarray(keyAt, valueAt), { key: wrapping, aad })
    return unbox(sealed.subarray(valueAt), { key: own, aad }).toString()
  } catch (error) {
    const words = `the stored value of the secret ${place.name} was changed or belongs elsewhere; set the secret again`
    throw new Unsealable(words, { cause: error })
  }
}

/** The same value at the same place, its own key wrapped in another one; the value itself is not opened. @throws {Unsealable} */
export function rewrap(sealed: Buffer, place: Place, { from, to }: { from: Buffer; to: Buffer }): Buffer {
  const valueAt = 1 + MARK_BYTES + BOX_BYTES + KEY_BYTES
  unseal(sealed, place, from) // what does not open whole is left as it is, to be told
  const aad = boundTo(place)
  const own = unbox(sealed.subarray(1 + MARK_BYTES, valueAt), { key: from, aad })
  return Buffer.concat([Buffer.of(FORM), markOf(to), box(own, { key: to, aad }), sealed.subarray(valueAt)])
}

/** A stored secret that this server cannot read; the message is a sentence without the value. */
export class Unsealable extends Error {
  override readonly name = 'Unsealable'
}

/** The mark of the key that something is wrapped in; null where it is nothing that was ever sealed. */
export const markIn = (sealed: Buffer): Buffer | null =>
  sealed[0] === FORM && sealed.length > MARK_BYTES ? sealed.subarray(1, 1 + MARK_BYTES) : null

/** Tells one wrapping key from another, and nothing of either. */
export const markOf = (wrapping: Buffer): Buffer =>
  createHash('sha256').update('takt secrets mark').update(wrapping).digest().subarray(0, MARK_BYTES)

const boundTo = ({ bound }: Place) => Buffer.from(JSON.stringify(bound))

type Lock = { readonly key: Buffer; readonly aad: Buffer }

function box(bytes: Buffer, { key, aad }: Lock): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(aad)
  const inside = Buffer.concat([cipher.update(bytes), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), inside])
}

function unbox(bytes: Buffer, { key, aad }: Lock): Buffer {
  const options = { authTagLength: TAG_BYTES }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), options)
  decipher.setAAD(aad).setAuthTag(bytes.subarray(IV_BYTES, BOX_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(BOX_BYTES)), decipher.final()])
}
