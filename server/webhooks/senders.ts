import { createHash } from 'node:crypto'
import { Problem } from '../problem.ts'
import { verifySignature, verifyStandard, verifyToken } from './signature.ts'

/** A request to a hook, before anybody is believed. */
export type Letter = {
  header(name: string): string | undefined
  readonly body: Buffer
}
/** What is outside on a delivery whose sender is who they say they are. */
export type Envelope = {
  /** The sender's own number for it. */
  readonly deliveryId: string
  readonly event: string
  /** Null where nobody signs. */
  readonly signature: Buffer | null
}
/** @throws {Problem} `bad-signature`, or `invalid-request` where a header is not what it must be. */
type Open = (letter: Letter, secrets: readonly string[]) => Promise<Envelope>

export const openGithub: Open = async (letter, secrets) => {
  const signature = await verifySignature(secrets, letter.body, letter.header('x-hub-signature-256'))
  return { signature, deliveryId: word(letter, 'x-github-delivery'), event: word(letter, 'x-github-event') }
}

/** Gitea and Forgejo sign as GitHub does, and write the digits alone. */
export const openGitea: Open = async (letter, secrets) => {
  const by = letter.header('x-forgejo-signature') === undefined ? 'x-gitea' : 'x-forgejo'
  const digits = letter.header(`${by}-signature`)
  const signature = await verifySignature(secrets, letter.body, digits && `sha256=${digits}`)
  return { signature, deliveryId: word(letter, `${by}-delivery`), event: word(letter, `${by}-event`) }
}

/** GitLab shows its token, and newer ones sign as well: a signature that is there must be right. */
export const openGitlab: Open = async (letter, secrets) => {
  const signatures = letter.header('webhook-signature')
  const token = letter.header('x-gitlab-token')
  const signature = signatures === undefined ? null : standard(letter, secrets, signatures)
  if (signature === null || token !== undefined) verifyToken(secrets, token ?? '', '`X-Gitlab-Token`')
  const numbered = ['webhook-id', 'idempotency-key', 'x-gitlab-event-uuid'].find((name) =>
    letter.header(name),
  )
  return {
    signature,
    deliveryId: word(letter, numbered ?? 'x-gitlab-event-uuid'),
    event: kindOf(letter.header('x-gitlab-event') ?? ''),
  }
}

/** `Merge Request Hook` in the words of its payload. */
const kindOf = (header: string): string => {
  const kind = header
    .toLowerCase()
    .replace(/ hook$/, '')
    .replaceAll(' ', '_')
  if (WORD.test(kind)) return kind
  throw new Problem(
    'invalid-request',
    'the header x-gitlab-event must say which hook it is, such as `Push Hook`',
  )
}

/** What signs by the Standard Webhooks specification. Its source says itself what the event is called. */
export const openStandard: Open = async (letter, secrets) => {
  const signature = standard(letter, secrets, letter.header('webhook-signature') ?? '')
  return { signature, deliveryId: word(letter, 'webhook-id'), event: 'event' }
}

const standard = ({ header, body }: Letter, secrets: readonly string[], signatures: string) =>
  verifyStandard(secrets, {
    ...{ id: header('webhook-id') ?? '', timestamp: header('webhook-timestamp') ?? '' },
    ...{ body, signatures },
  })

/** Registries cannot sign: they show a token, in one of the ways that they can be told to. The same body is the same delivery. */
export const openRegistry: Open = async ({ header, body }, secrets) => {
  verifyToken(secrets, header('x-takt-token') ?? bearer(header('authorization') ?? ''), '`Authorization`')
  return { signature: null, deliveryId: createHash('sha256').update(body).digest('hex'), event: 'push' }
}

function bearer(authorization: string): string {
  const [scheme = '', value = ''] = authorization.split(' ')
  if (scheme.toLowerCase() !== 'basic') return scheme.toLowerCase() === 'bearer' ? value : authorization
  return Buffer.from(value, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '')
}

const WORD = /^[\w.:-]{1,100}$/
export function word({ header }: Letter, name: string): string {
  const value = header(name) ?? ''
  if (WORD.test(value)) return value
  throw new Problem(
    'invalid-request',
    `the header ${name} must be one word of letters, digits, -, _, : and .`,
  )
}

const KEPT =
  /^(user-agent|content-type|webhook-(id|timestamp)|idempotency-key|x-(github|gitlab|gitea|forgejo)-(event|event-type|delivery|event-uuid|webhook-uuid|instance|hook-id|hook-installation-target-(id|type))|x-takt-delivery)$/
const MOST_LETTERS = 500

/** What the headers said, for people. Only those that are known to open nothing are kept. */
export const keptHeaders = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    [...headers]
      .filter(([name]) => KEPT.test(name))
      .map(([name, value]) => [name, value.slice(0, MOST_LETTERS)]),
  )
