import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Config } from '../config.ts'
import { log } from '../log.ts'
import { refuseUpgrade } from './upgrade.ts'

type Upgrades = { upgrade(...args: Parameters<Parameters<Server['on']>[1]>): void }

export function route(http: Server, sockets: Readonly<Record<string, Upgrades>>): void {
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', (error) => log.warn({ err: error }, 'socket.failed'))
    // Cut, not parsed: what a stranger sends need not be a URL, and a throw in here would end the process.
    const [path = '/'] = (request.url ?? '/').split('?', 1)
    const target = Object.hasOwn(sockets, path) ? sockets[path] : undefined
    try {
      if (target) target.upgrade(request, socket, head)
      else refuseUpgrade(socket, 404, 'WebSockets are at /live, /runner and /terminal')
    } catch (error) {
      log.error({ err: error, path }, 'upgrade.failed')
      socket.destroy()
    }
  })
}

export async function open(http: Server, { TAKT_HOST: host, TAKT_PORT: port }: Config): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  http.once('error', reject)
  http.listen(port, host, resolve)
  await promise
  http.off('error', reject)
}

/** Take no more requests, let those under way end, and do not wait for idle connections. */
export async function close(http: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  http.close(() => resolve())
  http.closeIdleConnections()
  setTimeout(() => http.closeAllConnections(), 2_000).unref()
  await promise
}

export function urlOf({ TAKT_HOST: host }: Config, http: Server): string {
  const { port } = http.address() as AddressInfo
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
