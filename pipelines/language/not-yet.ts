import { error, type Finding, keyAt, type Path, valueAt } from './diagnostic.ts'
import { textsOf } from './check/values.ts'
import { piecesOf } from './expression/interpolate.ts'
import { childOf } from './schema-walk.ts'

/**
 * What this version of Takt carries out. Everything else that the language knows is refused where it is to run: a gate, a filter
 * or a secret that is read and not heeded does harm, and the more so the better the file looks.
 *
 * Where a list of keys is missing, whatever stands there is carried out.
 */
type Runs = { readonly [key: string]: Runs | true }
/** What stands around anything a step does. */
const AROUND: Runs = {
  ...{ name: true, image: true, env: true, if: true, retry: true, timeout: true, allow_failure: true },
  ...{ mode: true, max_parallel: true, fail_fast: true, run: true, get: true, put: true },
}
const STEP: { [key: string]: Runs | true } = { ...AROUND }
const HOOKS: Runs = { on_success: STEP, on_failure: STEP, on_error: STEP, on_cancel: STEP, always: STEP }
/** Steps of the server, and what keeps a workspace: they stand at the top of a job's steps. */
const GATE: Runs = { approve: true, wait: true, call: true, trigger: true }
const TOP: Runs = { ...GATE, checkpoint: true }
// Steps nest steps; what belongs at the top is looked for below it in words of its own.
Object.assign(STEP, HOOKS, TOP, { parallel: STEP, for_each: { in: true, as: true, steps: STEP } })

const GET: Runs = { '*': { trigger: true, version: true, start: true, params: true } }
const NEED: Runs = { '*': { trigger: true, on: true, versions: true, start: true } }
const LINE: Runs = {
  get: GET,
  needs: NEED,
  start: true,
  when: true,
  if: true,
  paths: true,
  concurrency: true,
  priority: true,
  matrix: true,
  inputs: true,
  allow_failure: true,
}
const WATCHED: Runs = { check: true, pin: true, login: true }
const RESOURCE: Runs = {
  ...{
    git: true,
    branch: true,
    paths: true,
    depth: true,
    submodules: true,
    lfs: true,
    registry: true,
    tag: true,
  },
  ...{
    time: true,
    timezone: true,
    misfire: true,
    misfire_grace: true,
    max_catch_up: true,
    overlap: true,
    jitter: true,
  },
  ...{
    event: { source: true, if: true },
    upstream: true,
    lane: true,
    semver: true,
    params: true,
    state: true,
    files: true,
    type: true,
    source: true,
  },
  ...WATCHED,
}
const SHARED: Runs = {
  ...{ image: true, env: true, timeout: true, inactivity: true, retry: true, runs_on: true },
  ...{ cache: true, services: true, limits: true },
}
const RUNS: Runs = {
  resources: { '*': RESOURCE },
  resource_types: true,
  notify: true,
  triggers: { push: true, pull_request: true, tag: true, skip: true },
  defaults: SHARED,
  jobs: {
    '*': {
      ...{
        ...SHARED,
        ...LINE,
        ...HOOKS,
        run: true,
        put: true,
        use: true,
        with: true,
        secrets: true,
        id_token: true,
        keep: true,
        reports: true,
      },
      ...{ steps: { ...STEP, use: true, with: true }, outputs: true },
      approve: true,
    },
  },
}

/** Findings for whatever the file uses that is read, checked, stored, and not carried out yet. The file itself is well-shaped. */
export const notYet = (tree: unknown): Finding[] => [
  ...keysNotRun(tree, RUNS, []),
  ...gatesNotRun(tree),
  ...presetsNotRun(tree),
  ...driftNotRun(tree),
  ...labelsNotRun(tree),
]

function keysNotRun(written: unknown, runs: Runs, path: Path): Finding[] {
  if (Array.isArray(written))
    return written.flatMap((each, index) => keysNotRun(each, runs, [...path, index]))
  if (typeof written !== 'object' || written === null) return []
  return Object.entries(written).flatMap(([key, value]) => {
    const inner = Object.hasOwn(runs, key) ? runs[key] : runs['*']
    const at = [...path, key]
    if (inner === true) return []
    return inner === undefined ? [refused(`\`${key}\``, keyAt(...at))] : keysNotRun(value, inner, at)
  })
}

const GATES = ['approve', 'wait', 'call', 'trigger']
/** What a gate heeds besides what it waits for. */
const OF_GATES = [...GATES, 'name', 'if']
/** A service may be slow or away for a moment. */
const OF_CALLS = [...OF_GATES, 'timeout', 'retry']

/** What stands around commands means nothing at a gate, and inside other steps nobody waits without a runner. */
function gatesNotRun(tree: unknown): Finding[] {
  return Object.entries(childOf(tree, 'jobs') ?? {}).flatMap(([job, body]) => {
    const steps: unknown = childOf(body, 'steps')
    const list: readonly unknown[] = Array.isArray(steps) ? steps : []
    const around = list.flatMap((step, index) => {
      const gate = GATES.find((key) => childOf(step, key) !== undefined)
      const path: Path = ['jobs', job, 'steps', index]
      if (gate === undefined) return nestedIn(step, path)
      return Object.keys(Object(step)).flatMap((key) =>
        (gate === 'call' ? OF_CALLS : OF_GATES).includes(key)
          ? []
          : [refused(`\`${key}\` beside \`${gate}\``, keyAt(...path, key))],
      )
    })
    return [...around, ...nestedIn({ ...Object(body), steps: undefined }, ['jobs', job])]
  })
}

/** What belongs at the top of a job's steps, and stands inside one of them or in a hook. */
function nestedIn(step: unknown, path: Path): Finding[] {
  const inside = [...Object.keys(HOOKS), 'parallel'].map((key): Path => [key])
  return [...inside, ['for_each', 'steps']].flatMap((keys: Path) => {
    const found = keys.reduce<unknown>(childOf, step)
    const members: readonly unknown[] = Array.isArray(found) ? found : found === undefined ? [] : [found]
    return members.flatMap((member, index) => {
      const at = [...path, ...keys, ...(Array.isArray(found) ? [index] : [])]
      const wrong = Object.keys(TOP).filter((key) => childOf(member, key) !== undefined)
      const words = (key: string) => `\`${key}\` inside another step or a hook`
      return [...wrong.map((key) => refused(words(key), keyAt(...at, key))), ...nestedIn(member, at)]
    })
  })
}

/** Nothing drifts before there are environments. */
function driftNotRun(tree: unknown): Finding[] {
  return textsOf(childOf(tree, 'notify'), ['notify']).flatMap(({ text, path }) =>
    text === 'drift' && path.includes('when') ? [refused('`drift`', valueAt(...path))] : [],
  )
}

/** What a form presets is shown to people before a run with values is there. */
function presetsNotRun(tree: unknown): Finding[] {
  return Object.entries(childOf(tree, 'jobs') ?? {}).flatMap(([job, body]) =>
    Object.entries(childOf(body, 'inputs') ?? {}).flatMap(([field, written]) => {
      const preset = childOf(written, 'default')
      const marked = typeof preset === 'string' && piecesOf(preset).some(({ kind }) => kind !== 'text')
      return marked ? [refused('`$(…)` in a preset', valueAt('jobs', job, 'inputs', field, 'default'))] : []
    }),
  )
}

/** Which machine a run asks for is known when it is created, from its matrix and its form: before anybody asks for its versions. */
function labelsNotRun(tree: unknown): Finding[] {
  const places: Path[] = [
    ['defaults', 'runs_on'],
    ...Object.keys(childOf(tree, 'jobs') ?? {}).map((job) => ['jobs', job, 'runs_on']),
  ]
  return places.flatMap((path) =>
    textsOf(path.reduce<unknown>(childOf, tree), path).flatMap(({ text, path: at }) =>
      piecesOf(text).flatMap((piece) =>
        piece.kind === 'value' && !/^(matrix|input)\./.test(piece.name)
          ? [refused(`\`${piece.written}\` in \`runs_on\``, valueAt(...at))]
          : [],
      ),
    ),
  )
}

const refused = (what: string, place: ReturnType<typeof keyAt>): Finding =>
  error(
    'not-yet',
    place,
    `${what} is not carried out yet`,
    `the file is right; this version of Takt does not run ${what} yet`,
  )
