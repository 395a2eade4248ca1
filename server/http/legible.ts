import type { MiddlewareHandler } from 'hono'
import { Problem } from '../problem.ts'

/** An address names something only if it can be read: UTF-8 behind its percent signs, and no NUL, which PostgreSQL and file systems do not take. */
export const legibleAddress = (): MiddlewareHandler =>
  async function legibleAddressOnly(c, next) {
    const [path = '', query = ''] = c.req.url.split(/\?(.*)/s, 2)
    if (!isLegible(path)) throw new Problem('not-found', 'the address is not UTF-8 in percent-encoding')
    if (!isLegible(query))
      throw new Problem(
        'invalid-request',
        'query: write it in UTF-8, percent-encoded, without NUL characters',
      )
    await next()
  }

function isLegible(encoded: string): boolean {
  try {
    return !decodeURIComponent(encoded).includes('\0')
  } catch {
    return false // a percent sign without a UTF-8 byte behind it: the caller is told so
  }
}

/** JSON can say NUL in a string, and no text of ours can hold it. */
export const legibleBody = (): MiddlewareHandler =>
  async function legibleBodyOnly(c, next) {
    if (/\bjson\b/i.test(c.req.header('content-type') ?? '') && saysNul(await c.req.text()))
      throw new Problem('invalid-request', 'json: a text holds the NUL character \\u0000; leave it out')
    await next()
  }

/** Whether a JSON text has a NUL in one of its strings; `\\u0000` is a backslash and five letters. */
export const saysNul = (json: string): boolean =>
  json.includes('\\u0000') && /(?<!\\)(?:\\\\)*\\u0000/.test(json)
