import type { State, StateDiff, StateList, StateVersion } from '../../ui/lib/states-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const ROOM = { used: 3_411_904, limit: 2 ** 30 }

type Fields = Readonly<Record<string, string>>
export type FakeState = Pick<StateVersion, 'version' | 'by' | 'reason' | 'restored' | 'run'> & {
  readonly keys: Fields
  readonly files: Fields
}
type Kept = { readonly of: State['of']; readonly name: string; past: FakeState[] }
const worlds = new WeakMap<FakeWorld, Kept[]>()

const by = (version: number, who: string | number, reason: string | null = null) => ({
  ...{ version, reason, restored: null, by: typeof who === 'string' ? who : null },
  run: typeof who === 'number' ? { id: who, job: 'build', number: who } : null,
})
const INDEX = '{\n  "built": "a1b2c3",\n  "modules": 41\n}\n'

/** What the line `shop/main` remembers, newest version first. */
export function statesIn(world: FakeWorld): readonly Kept[] {
  const fresh: Kept[] = [
    {
      ...{ of: 'params', name: 'settings' },
      past: [
        {
          ...by(2, 'ada', 'closer to the customers'),
          keys: { REGION: 'eu-central-1', SIZE: '4' },
          files: {},
        },
        { ...by(1, ''), by: null, keys: { REGION: 'eu-west-1', SIZE: '4' }, files: {} },
      ],
    },
    {
      ...{ of: 'state', name: 'tfstate' },
      past: [
        {
          ...by(7, 'linus-with-quite-a-long-name', 'moving hosts'),
          keys: { LOCK: 'linus', SERIAL: '41' },
          files: { 'terraform.tfstate': '{}' },
        },
        { ...by(6, 4), keys: { SERIAL: '41' }, files: { 'terraform.tfstate': '{}' } },
      ],
    },
    {
      ...{ of: 'job', name: 'build' },
      past: [
        { ...by(2, 3), keys: {}, files: { 'cache/index.json': INDEX, 'cache/blob': '\0' } },
        { ...by(1, 1), keys: {}, files: { 'cache/index.json': INDEX.replace('41', '40') } },
      ],
    },
  ]
  const known = worlds.get(world) ?? fresh
  worlds.set(world, known)
  return known
}

const NOTHING: FakeState = { ...by(0, ''), by: null, keys: {}, files: {} }
const named = (world: FakeWorld, of: string, name: string): Kept | undefined =>
  statesIn(world).find((kept) => kept.name === name && (kept.of === 'job' ? 'jobs' : 'resources') === of)

function whoOf({ keys, files, ...one }: FakeState): StateVersion {
  const contents = Object.values(files)
  const counts = { files: contents.length, bytes: contents.join('').length, keys: Object.keys(keys).length }
  return { ...one, made_at: one.version === 0 ? null : AT, ...counts }
}
const what = ({ of, name }: Pick<Kept, 'of' | 'name'>) => ({ of, name, lane: 'main', leg: null })

function list({ world }: Asked, project: string, pipeline: string): Reply {
  const all = project === 'shop' && pipeline === 'main' ? statesIn(world) : []
  const items = all.map((kept) => ({ ...what(kept), ...whoOf(kept.past[0] ?? NOTHING) }))
  return ok({ lane: 'main', items, next: null, ...ROOM } satisfies StateList)
}

function show({ world }: Asked, of: string, name: string): Reply {
  const kept = named(world, of, name) ?? { of: 'job' as const, name, past: [] }
  const one = kept.past[0] ?? NOTHING
  return ok({
    ...{ ...what(kept), ...whoOf(one), newest: one.version, next: null, fixed: null, role: 'admin' as const },
    values: Object.entries(one.keys).map(([key, value]) => ({
      ...{ key, value, bytes: value.length, whole: true, masked: false },
    })),
    entries: Object.entries(one.files).map(([path, content]) => ({
      ...{ path, kind: 'file' as const, bytes: content.length, mode: 0o644, target: null },
    })),
    under_way: name === 'build' ? [5] : [],
    ...ROOM,
  } satisfies State)
}

function content({ world, url }: Asked, of: string, name: string): Reply {
  const past = named(world, of, name)?.past ?? []
  const version = url.searchParams.get('version')
  const one = past.find((each) => version === null || String(each.version) === version) ?? NOTHING
  const [path, key] = [url.searchParams.get('path'), url.searchParams.get('key')]
  const text = path === null ? one.keys[key ?? ''] : one.files[path]
  if (text === undefined) return no(404, 'state-not-found', 'There is no such state')
  const isText = !text.includes('\0')
  const said = { path, key, bytes: text.length, cut: false, masked: false }
  const kind = isText ? 'text' : 'binary'
  return ok({ version: one.version, kind, text: isText ? text : null, ...said })
}

function diff({ world, url }: Asked, of: string, name: string): Reply {
  const from = Number(url.searchParams.get('from'))
  const to = named(world, of, name)?.past[0]?.version ?? 0
  return ok({
    ...{
      from,
      to,
      more: 0,
      values: [{ key: 'REGION', change: 'changed', before: 'eu-west-1', after: 'us' }],
    },
    files: [
      {
        ...{ path: 'cache/index.json', change: 'changed', kind: 'text', before: 41, after: 41, cut: false },
        hunks: [{ before: 1, after: 1, lines: [' {', '-  "modules": 40', '+  "modules": 41', ' }'] }],
      },
    ],
  } satisfies StateDiff)
}

type Change = {
  readonly set?: Fields
  readonly unset?: readonly string[]
  readonly write?: readonly { path: string; text: string }[]
  readonly remove?: readonly string[]
  readonly reason?: string
}
const without = (fields: Fields, names: readonly string[] = []) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

function change({ world, body, ifMatch }: Asked, of: string, name: string): Reply {
  const kept = named(world, of, name)
  const before = kept?.past[0]
  if (!kept || !before) return no(404, 'state-not-found', 'There is no such state')
  if (ifMatch !== undefined && ifMatch !== `"${before.version}"`)
    return no(
      ...([412, 'changed-meanwhile', 'Somebody was quicker'] as const),
      `the state of \`${name}\`: version ${ifMatch.replaceAll('"', '')} was expected, and it is at version ${before.version}; look at it and decide again`,
    )
  const { set, unset, write = [], remove, reason = '' }: Change = body
  const files = Object.fromEntries(write.map(({ path, text }) => [path, text]))
  return add(kept, {
    ...by(before.version + 1, 'ada', reason),
    keys: { ...without(before.keys, unset), ...set },
    files: { ...without(before.files, remove), ...files },
  })
}

function restore({ world, body }: Asked, of: string, name: string): Reply {
  const kept = named(world, of, name)
  const old = kept?.past.find(({ version }) => version === body['version'])
  if (!kept || !old) return no(404, 'state-not-found', 'There is no such state')
  const version = (kept.past[0]?.version ?? 0) + 1
  return add(kept, { ...old, ...by(version, 'ada', String(body['reason'])), restored: old.version })
}

function add(kept: Kept, one: FakeState): Reply {
  kept.past = [one, ...kept.past]
  return ok({ ...what(kept), ...whoOf(one) })
}

/** Somebody else changes a key of the line's settings. */
export function raceIn(world: FakeWorld, key: string, value: string): void {
  const kept = named(world, 'resources', 'settings')
  const before = kept?.past[0]
  if (!kept || !before) return
  add(kept, {
    ...by(before.version + 1, 'linus', 'mine first'),
    keys: { ...before.keys, [key]: value },
    files: {},
  })
}

const LINE = '^/projects/([^/]+)/pipelines/([^/]+)/states'
const ONE = `${LINE}/([^/]+)/([^/]+)`
type Act = (asked: Asked, of: string, name: string) => Reply
const one =
  (act: Act): Route[2] =>
  (asked, _project, _pipeline, of = '', name = '') =>
    act(asked, of, name)

export const STATES: readonly Route[] = [
  ['GET', new RegExp(`${LINE}$`), (asked, project = '', pipeline = '') => list(asked, project, pipeline)],
  ['GET', new RegExp(`${ONE}$`), one(show)],
  ['PATCH', new RegExp(`${ONE}$`), one(change)],
  ['POST', new RegExp(`${ONE}/restore$`), one(restore)],
  ['GET', new RegExp(`${ONE}/content$`), one(content)],
  ['GET', new RegExp(`${ONE}/diff$`), one(diff)],
  [
    'GET',
    new RegExp(`${ONE}/history$`),
    one(({ world }, of, name) => ok({ items: (named(world, of, name)?.past ?? []).map(whoOf), next: null })),
  ],
]
