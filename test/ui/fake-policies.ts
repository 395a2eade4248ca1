import { judge } from '#pipelines/policy/judge.ts'
import { readPolicies } from '#pipelines/policy/read.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import type { Subject } from '#pipelines/policy/subjects.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const FIRST = `# what runs here is built here
- { name: ours, effect: allow, image: 'registry.acme.example/**' }
- { name: others, effect: deny, image: '**', message: 'mirror it first' }
- { name: long, effect: warn, run_time_over: 2h }
`
type Kept = {
  source: string
  rules: PolicyRules
  version: number
  updated_at: string | null
  updated_by: string | null
}
const NONE: Kept = { source: '', rules: [], version: 0, updated_at: null, updated_by: null }

const worlds = new WeakMap<FakeWorld, Map<string, Kept>>()
/** The policies in a world by organization: `default` has some, others have none. */
export function policiesIn(world: FakeWorld): Map<string, Kept> {
  const known = worlds.get(world) ?? new Map([['default', keptOf(FIRST)]])
  worlds.set(world, known)
  return known
}

export function keptOf(source: string, version = 1): Kept {
  const read = readPolicies(source)
  return { source, rules: 'rules' in read ? read.rules : [], version, updated_at: AT, updated_by: 'ada' }
}

/** The one file in force of each organization. */
const FILE: readonly Subject[] = [
  { of: 'the job `unit`', what: 'image', value: 'node:22' },
  { of: 'the job `build`', what: 'image', value: 'registry.acme.example/build:4' },
  { of: 'the job `unit`', what: 'run_time_over', value: '3h', ms: 3 * 3_600_000 },
]

function withRules({ body }: Asked, does: (source: string, rules: PolicyRules) => Reply): Reply {
  const source = String(body['source'])
  const read = readPolicies(source)
  if ('rules' in read) return does(source, read.rules)
  return no(422, 'bad-policies', 'These are no policies', read.problems.join('; '))
}

const attempt = (asked: Asked): Reply =>
  withRules(asked, (_, rules) => {
    const at = { project: 'shop', pipeline: 'main', lane: 'main' }
    const items = judge(rules, FILE, at).map(({ effect, rule, words }) => ({ ...at, effect, rule, words }))
    return ok({ files: 1, items, next: null })
  })

const set = (asked: Asked, name = ''): Reply =>
  withRules(asked, (source) => {
    const version = policiesIn(asked.world).get(name)?.version ?? 0
    const expected = asked.ifMatch
    if (expected !== undefined && expected !== `"${version}"`)
      return no(412, 'changed-meanwhile', 'Somebody was quicker', 'look at it and decide again')
    policiesIn(asked.world).set(name, keptOf(source, version + 1))
    return ok(policiesIn(asked.world).get(name))
  })

const PATH = /^\/organizations\/([^/]+)\/policies$/
export const POLICIES: readonly Route[] = [
  ['GET', PATH, ({ world }, name = '') => ok(policiesIn(world).get(name) ?? NONE)],
  ['PUT', PATH, set],
  ['POST', /^\/organizations\/[^/]+\/policies\/try$/, attempt],
]
