import type { Start } from '#pipelines/plan/secret-scopes.ts'
import { keyOfSecret, type Named, type Secret } from '../../ui/lib/secrets-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
type FakeSecrets = Map<string, { items: Secret[]; values: Map<string, string> }>

const secretOf = (given: Partial<Secret>): Secret => ({
  ...{ name: 'DEPLOY_KEY', owner: 'project', environment: null, job: null, trigger: null, branch: null },
  ...{ store: null, reference: null, created_at: AT, updated_at: AT, updated_by: 'ada' },
  ...given,
})

const worlds = new WeakMap<FakeWorld, FakeSecrets>()
function secretsIn(world: FakeWorld): FakeSecrets {
  const fresh: FakeSecrets = new Map([
    [
      'projects/shop',
      {
        items: [
          secretOf({}),
          secretOf({
            environment: 'production',
            branch: 'release/*',
            updated_by: 'linus-with-quite-a-long-name',
          }),
        ],
        values: new Map(),
      },
    ],
    [
      'organizations/default',
      {
        items: [
          secretOf({ owner: 'organization' }),
          secretOf({ owner: 'organization', name: 'REGISTRY_TOKEN', trigger: 'push' }),
        ],
        values: new Map(),
      },
    ],
  ])
  const known = worlds.get(world) ?? fresh
  worlds.set(world, known)
  return known
}

/** Those of `projects/shop` or `organizations/default`. */
export function secretsOf(world: FakeWorld, owner: string) {
  const all = secretsIn(world)
  const found = all.get(owner) ?? { items: [], values: new Map<string, string>() }
  all.set(owner, found)
  return found
}

function list({ world }: Asked, of = '', name = ''): Reply {
  const { items } = secretsOf(world, `${of}/${name}`)
  const stores = world.stores
  if (of === 'organizations') return ok({ items, stores, next: null })
  const project = world.projects.find((one) => one.name === name)
  if (!project) return no(404, 'project-not-found', 'There is no such project')
  const inherited = secretsOf(world, `organizations/${project.organization}`).items
  return ok({ items, inherited, stores, next: null })
}

type Said = { readonly [field: string]: unknown }
const text = (value: unknown) => (typeof value === 'string' ? value : null)
const named = (name: string, said: Said): Named => ({
  ...{ name, environment: text(said['environment']), job: text(said['job']), branch: text(said['branch']) },
  trigger: text(said['trigger']) as Start | null,
})
const without = (items: readonly Secret[], secret: Named) =>
  items.filter((one) => keyOfSecret(one) !== keyOfSecret(secret))

function set({ world, body }: Asked, ...[of = '', owner = '', name = '']: string[]): Reply {
  const value = String(body['value'] ?? '')
  const store = world.stores.find((one) => one === body['store']) ?? null
  if (store === null && value.length < 4)
    return no(422, 'bad-secret', 'The value cannot be a secret', `the value of ${name} is not stored`)
  const kept = secretsOf(world, `${of}/${owner}`)
  const secret = secretOf({
    ...named(name, body),
    owner: of === 'projects' ? 'project' : 'organization',
    ...{ store, reference: store && text(body['reference']) },
    updated_at: new Date().toISOString(),
  })
  kept.items = [...without(kept.items, secret), secret]
  kept.values.set(keyOfSecret(secret), value)
  return ok(secret)
}

function narrow({ world, body }: Asked, ...[of = '', owner = '', name = '']: string[]): Reply {
  const kept = secretsOf(world, `${of}/${owner}`)
  const from = named(name, Object(body['from']))
  const to = named(name, Object(body['to']))
  if (kept.items.some((one) => keyOfSecret(one) === keyOfSecret(to)))
    return no(409, 'secret-exists', 'There is such a secret already', `there is a \`${name}\` for just that`)
  const secret = secretOf({ ...to, owner: of === 'projects' ? 'project' : 'organization' })
  kept.items = [...without(kept.items, from), secret]
  return ok(secret)
}

function remove({ world, url }: Asked, ...[of = '', owner = '', name = '']: string[]): Reply {
  const kept = secretsOf(world, `${of}/${owner}`)
  kept.items = without(kept.items, named(name, Object.fromEntries(url.searchParams)))
  return { status: 204, body: null }
}

/** Of the jobs of the fakes `production` asks for secrets, and on pull requests for none that it would get. */
function explain({ world, url }: Asked, project = '', pipeline = '', job = ''): Reply {
  const line = world.lines.find((one) => one.project === project && one.name === pipeline)
  if (!line?.jobs.some((one) => one.name === job)) return no(404, 'job-not-found', 'There is no such job')
  const lane = url.searchParams.get('lane') ?? 'main'
  const trusted = !lane.startsWith('pr/')
  const trigger = url.searchParams.get('trigger') ?? (trusted ? 'push' : null)
  const { items } = secretsOf(world, `projects/${project}`)
  const own = items.filter(({ name }) => name === 'DEPLOY_KEY')
  const because = trusted ? 'another one is more specific' : 'pull requests get no secrets'
  const asked = [
    {
      name: 'DEPLOY_KEY',
      chosen: trusted ? (own[0] ?? null) : null,
      passed_over: own.slice(trusted ? 1 : 0).map((one) => ({ ...one, because })),
    },
    { name: 'SIGNING_KEY', chosen: null, passed_over: [] },
  ]
  return ok({ lane, trigger, trusted, items: job === 'production' ? asked : [] })
}

const ONE = /^\/(projects|organizations)\/([^/]+)\/secrets\/([^/]+)$/

export const SECRETS: readonly Route[] = [
  ['GET', /^\/(projects|organizations)\/([^/]+)\/secrets$/, list],
  ['GET', /^\/projects\/([^/]+)\/pipelines\/([^/]+)\/jobs\/([^/]+)\/secrets$/, explain],
  ['PUT', ONE, set],
  ['POST', /^\/(projects|organizations)\/([^/]+)\/secrets\/([^/]+)\/narrow$/, narrow],
  ['DELETE', ONE, remove],
]
