import { getConnInfo } from '@hono/node-server/conninfo'
import type { IncomingMessage } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import type { HouseEnv } from './kit.ts'

/**
 * Where a request came from, as far as it can be known. Proxies write the addresses they saw at the end of `X-Forwarded-For`; of
 * those only as many are believed as proxies stand before this server.
 */
export const sender = (proxies: number): MiddlewareHandler<HouseEnv> =>
  async function senderKnown(c, next) {
    c.set('address', from(getConnInfo(c).remote.address, { told: c.req.header('x-forwarded-for'), proxies }))
    await next()
  }

/** The same of a request that wants to become a WebSocket. */
export function senderOf({ headers, socket }: IncomingMessage, proxies: number): string {
  const told = headers['x-forwarded-for']
  return from(socket.remoteAddress, { told: Array.isArray(told) ? told.join(',') : told, proxies })
}

function from(
  direct: string | undefined = '',
  { told, proxies }: { told: string | undefined; proxies: number },
): string {
  const believed = proxies > 0 ? told?.split(',').at(-proxies)?.trim() : undefined
  return cleaned(believed ?? direct)
}

/** Without the dress of an IPv4 address on an IPv6 socket, and never longer than an address is. */
const cleaned = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '').slice(0, 60)

/** Whom one address stands for: itself, or the network that one customer is given. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [left = '', right] = address.toLowerCase().split('::', 2)
  const groups = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const zeros =
    right === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - tail.length)).fill('0')
  return `${[...groups, ...zeros, ...tail].slice(0, 4).join(':')}::/64`
}
