import type { Service } from '../../ui/lib/services-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const worlds = new WeakMap<FakeWorld, Map<string, Service>>()

/** What `shop` may call; other projects may call nothing. */
export function servicesIn(world: FakeWorld): Map<string, Service> {
  const one = (name: string, url: string, headers: Record<string, string>): [string, Service] => [
    name,
    { name, url, headers, updated_at: AT, updated_by: 'linus-with-quite-a-long-name' },
  ]
  const fresh = new Map([
    one('deployer', 'https://deploy.acme.example/api', { Authorization: 'Bearer $(secret.DEPLOY_TOKEN)' }),
    one('status', `https://status.acme.example/${'very-'.repeat(12)}long`, {}),
  ])
  const known = worlds.get(world) ?? fresh
  worlds.set(world, known)
  return known
}

const list = ({ world }: Asked, project = ''): Reply =>
  ok({ items: project === 'shop' ? [...servicesIn(world).values()] : [] })

function set({ world, body }: Asked, _project = '', name = ''): Reply {
  const url = String(body['url'])
  if (url.includes('?'))
    return no(422, 'bad-service', 'The service cannot be declared so', 'the address has `?` or `#`')
  const service = { name, url, headers: { ...Object(body['headers']) }, updated_at: AT, updated_by: 'ada' }
  servicesIn(world).set(name, service)
  return ok(service)
}

function remove({ world }: Asked, _project = '', name = ''): Reply {
  servicesIn(world).delete(name)
  return { status: 204, body: null }
}

const ONE = /^\/projects\/([^/]+)\/services\/([^/]+)$/

export const SERVICES: readonly Route[] = [
  ['GET', /^\/projects\/([^/]+)\/services$/, list],
  ['PUT', ONE, set],
  ['DELETE', ONE, remove],
]
