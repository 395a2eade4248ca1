import type { ListedValue, PastValue } from '../../ui/lib/values-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const worlds = new WeakMap<FakeWorld, Map<string, PastValue[]>>()

/** What each key of `shop` was, newest first; other projects have none. */
export function valuesIn(world: FakeWorld): Map<string, PastValue[]> {
  const past = (version: number, value: string | null, set_by = 'ada'): PastValue => ({
    ...{ version, value, set_by, set_at: AT },
  })
  const fresh = new Map([
    ['deploy.colour', [past(2, 'green'), past(1, 'blue', 'linus-with-quite-a-long-name')]],
    ['deploys', [past(41, '41', 'deploy-bot')]],
    ['notes', [past(1, 'lorem ipsum '.repeat(60))]],
  ])
  const known = worlds.get(world) ?? fresh
  worlds.set(world, known)
  return known
}

const listed = (key: string, { value, ...around }: PastValue): ListedValue[] =>
  value === null ? [] : [{ key, value, bytes: value.length, whole: true, ...around }]

function list({ world, url }: Asked, project = ''): Reply {
  const prefix = url.searchParams.get('prefix') ?? ''
  const items = [...(project === 'shop' ? valuesIn(world) : [])].flatMap(([key, [newest]]) =>
    newest && key.startsWith(prefix) ? listed(key, newest) : [],
  )
  return ok({ items, next: null })
}

function history({ world }: Asked, _project = '', key = ''): Reply {
  return ok({ items: valuesIn(world).get(key) ?? [], next: null })
}

function write(world: FakeWorld, key: string, value: string | null): Reply {
  const all = valuesIn(world)
  const before = all.get(key) ?? []
  const now: PastValue = { version: (before[0]?.version ?? 0) + 1, value, set_by: 'ada', set_at: AT }
  all.set(key, [now, ...before])
  return value === null ? { status: 204, body: null } : ok({ key, ...now })
}

const ONE = /^\/projects\/([^/]+)\/values\/([^/]+)$/

export const VALUES: readonly Route[] = [
  ['GET', /^\/projects\/([^/]+)\/values$/, list],
  ['GET', /^\/projects\/([^/]+)\/values\/([^/]+)\/history$/, history],
  [
    'PUT',
    ONE,
    ({ world, body }, _project, key = '') =>
      body['value'] === 'too late'
        ? no(412, 'changed-meanwhile', 'Somebody was quicker', `\`${key}\`: it is at version 3`)
        : write(world, key, String(body['value'])),
  ],
  [
    'POST',
    /^\/projects\/([^/]+)\/values\/([^/]+)\/increment$/,
    ({ world, body }, _project, key = '') => {
      const now = Number(valuesIn(world).get(key)?.[0]?.value ?? 0)
      return write(world, key, String(now + Number(body['by'])))
    },
  ],
  ['DELETE', ONE, ({ world }, _project, key = '') => write(world, key, null)],
]
