import { isUtf8 } from 'node:buffer'
import { Webhooks } from '@octokit/webhooks'
import { sameSecret, sign } from '../access/derive.ts'
import { Problem } from '../problem.ts'

const FORM = /^sha256=[0-9a-f]{64}$/

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
  if (!found.includes(true))
    throw new Problem('bad-signature', 'it was made with another secret, or the body was changed on its way')
  return Buffer.from(header.slice('sha256='.length), 'hex')
}

/** The library verifies text; bytes that are no text (and could be altered by decoding) are compared as they are. */
const matches = (secret: string, body: Buffer, header: string) =>
  isUtf8(body)
    ? new Webhooks({ secret }).verify(body.toString('utf8'), header)
    : sameSecret(sign(secret, body), header)
