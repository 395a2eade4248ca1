import { isUtf8 } from 'node:buffer'
import { Webhooks } from '@octokit/webhooks'
import { sameSecret, sign } from '../access/derive.ts'
import { type StandardContent, standardKeys, standardSignature } from '../access/standard-webhooks.ts'
import { Problem } from '../problem.ts'

const FORM = /^sha256=[0-9a-f]{64}$/
const OTHERS = 'it was made with another secret, or the body was changed on its way'

/**
 * Whether `header` signs these very bytes with one of our secrets, compared in constant time.
 *
 * @returns The signature's 32 bytes.
 * @throws {Problem} `bad-signature`: missing, of another form (sha1, upper case, told twice), or not ours.
 */
export async function verifySignature(
  secrets: readonly string[],
  body: Buffer,
  header: string | undefined,
): Promise<Buffer> {
  if (!header || !FORM.test(header))
    throw new Problem('bad-signature', 'the signature must be `sha256=` and 64 lower-case hex digits')
  const found = await Promise.all(secrets.map((secret) => matches(secret, body, header)))
  if (!found.includes(true)) throw new Problem('bad-signature', OTHERS)
  return Buffer.from(header.slice('sha256='.length), 'hex')
}

/** The library verifies text; bytes that are no text (and could be altered by decoding) are compared as they are. */
const matches = (secret: string, body: Buffer, header: string) =>
  isUtf8(body)
    ? new Webhooks({ secret }).verify(body.toString('utf8'), header)
    : sameSecret(sign(secret, body), header)

/** How far a sender's clock may be from ours, and how long a copy of a delivery is of use to whoever has one. */
export const WINDOW_MS = 5 * 60_000
const MOST_SIGNATURES = 10
const V1 = /^v1,([A-Za-z0-9+/]{43}=)$/

export type Standard = StandardContent & {
  /** `v1,<base64>`, several of them while secrets are changed over. */
  readonly signatures: string
}

/**
 * Whether a delivery was signed with one of our secrets, and lately.
 *
 * @returns The 32 bytes of the signature that is ours.
 * @throws {Problem} `bad-signature`.
 */
export function verifyStandard(secrets: readonly string[], told: Standard, nowMs = Date.now()): Buffer {
  const { timestamp, signatures } = told
  if (!/^\d{1,12}$/.test(timestamp))
    throw new Problem('bad-signature', 'the header webhook-timestamp must be Unix time in seconds')
  const offMs = Math.abs(nowMs - Number(timestamp) * 1_000)
  if (offMs > WINDOW_MS)
    throw new Problem(
      'bad-signature',
      `it was sent ${Math.round(offMs / 1_000)} s away from this server's clock; at most ${WINDOW_MS / 1_000} s are let pass`,
    )
  const ours = secrets.flatMap(standardKeys).map((key) => standardSignature(key, told))
  const given = signatures.split(' ').slice(0, MOST_SIGNATURES)
  const found = given
    .flatMap((each) => V1.exec(each)?.[1] ?? [])
    .find((each) => ours.some((own) => sameSecret(own, each)))
  if (found === undefined)
    throw new Problem(
      'bad-signature',
      `\`webhook-signature\` must hold \`v1,<base64>\`, and hold it rightly: ${OTHERS}`,
    )
  return Buffer.from(found, 'base64')
}

/** @throws {Problem} `bad-signature`: the token is not one of our secrets. */
export function verifyToken(secrets: readonly string[], token: string, where: string): void {
  if (!secrets.some((secret) => sameSecret(secret, token)))
    throw new Problem('bad-signature', `${where} holds no token, or not the one that was set up`)
}
