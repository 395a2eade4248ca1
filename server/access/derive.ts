import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Secrets are stored as this and compared as this: what is in the database opens nothing. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** Equal, in a time that does not tell how much of it is. Nothing is nobody's secret: it equals not even itself. */
export const sameSecret = (a: string, b: string): boolean =>
  a !== '' && b !== '' && timingSafeEqual(hashSecret(a), hashSecret(b))

/**
 * The secret that signs a project's `/hooks/git` deliveries. It is derived from the server's key (HKDF, RFC 5869), so it is
 * stored nowhere and cannot leak from the database.
 */
export const hookSecret = (key: string, project: string): string =>
  Buffer.from(hkdfSync('sha256', key, 'takt', `hook:${project}`, 32)).toString('hex')

/** The token that lets others say that a resource may have something new; derived like the secret above. */
export const resourceSecret = (
  key: string,
  { project, pipeline, resource }: { project: string; pipeline: string; resource: string },
): string =>
  Buffer.from(hkdfSync('sha256', key, 'takt', `resource:${project}/${pipeline}/${resource}`, 32)).toString(
    'hex',
  )

/** Whoever tells a project of something: a forge, a registry, or the source of its own events that has this name. */
export type HookSender = 'github' | 'gitlab' | 'gitea' | 'registry' | `events/${string}`

/**
 * The secret that one sender shares with one project, derived like those above; spelt as the Standard Webhooks specification has it,
 * so that their libraries take it as it is.
 */
export const senderSecret = (key: string, sender: HookSender, project: string): string =>
  `whsec_${Buffer.from(hkdfSync('sha256', key, 'takt', `sender:${project}:${sender}`, 32)).toString('base64')}`
/** What opens a one-time address: derived, so that it can be given out again, and is stored nowhere. */
export const callbackSecret = (key: string, callback: number): string =>
  Buffer.from(hkdfSync('sha256', key, 'takt', `callback:${callback}`, 24)).toString('hex')

/** `sha256=<hex>` over the raw bytes, as GitHub signs its deliveries. */
export const sign = (secret: string, body: Uint8Array): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
