import type { LaneVersion, RunSummary, Trace } from '../../ui/lib/api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import { type FakeWorld, keyOf } from './fake-world.ts'

const LINE = '/projects/([^/]+)/pipelines/([^/]+)'
const JOB = `${LINE}/jobs/([^/]+)`
const RESOURCE = `${LINE}/resources/([^/]+)`
const path = (pattern: string) => new RegExp(`^${pattern}$`)
type Line = NonNullable<ReturnType<Asked['world']['line']>>

function onLine(asked: Asked, [project = '', name = '']: string[], use: (line: Line) => Reply): Reply {
  const line = asked.world.line(decodeURIComponent(project), decodeURIComponent(name))
  return line ? use(line) : no(404, 'pipeline-not-found', 'There is no such pipeline')
}

const decreed = (body: Asked['body']) => ({
  by: 'ada',
  reason: String(body['reason']),
  at: new Date().toISOString(),
})

/** What people decide about jobs and versions, and why things stand as they do. */
export const DECISIONS: readonly Route[] = [
  [
    'GET',
    path(`${JOB}/why`),
    (asked, ...at) => onLine(asked, at, (line) => ok(asked.world.whyOf(line, at[2] ?? ''))),
  ],
  [
    'POST',
    path(`${JOB}/pause`),
    (asked, ...at) => onLine(asked, at, (line) => pause(asked, line, at[2] ?? '')),
  ],
  [
    'POST',
    path(`${JOB}/resume`),
    (asked, ...at) => onLine(asked, at, (line) => pause(asked, line, at[2] ?? '')),
  ],
  [
    'POST',
    path(`${LINE}/(?:pause|resume)`),
    (asked, ...at) => onLine(asked, at, (line) => pauseLine(asked, line)),
  ],
  [
    'POST',
    path(`${RESOURCE}/(?:pause|resume)`),
    (asked, ...at) => onLine(asked, at, (line) => pauseResource(asked, line, at[2] ?? '')),
  ],
  ['GET', path('/projects/([^/]+)/removed'), ({ world }) => ok({ items: world.removed, next: null })],
  ['POST', path('/projects/([^/]+)/removed/delete'), (asked) => forget(asked)],
  ['GET', path('/server/maintenance'), ({ world }) => ok({ maintenance: world.server.maintenance })],
  ['PUT', path('/server/maintenance'), (asked) => maintain(asked)],
  ['DELETE', path('/server/maintenance'), (asked) => maintain(asked)],
  ['POST', path(`${LINE}/rerun`), (asked, ...at) => onLine(asked, at, (line) => rerun(asked, line))],
  [
    'GET',
    path(`${RESOURCE}/versions`),
    (asked, ...at) =>
      onLine(asked, at, (line) =>
        ok({
          ...{ resource: at[2], lane: line.lane, next: null },
          items: asked.world.versions.get(keyOf(line, at[2] ?? '')) ?? [],
        }),
      ),
  ],
  [
    'POST',
    path(`${RESOURCE}/check`),
    (asked, ...at) =>
      onLine(asked, at, (line) => {
        for (const one of line.resources) if (one.check && one.name === at[2]) one.check.running = true
        return { status: 202, body: { checking: true } }
      }),
  ],
  ['PUT', path(`${RESOURCE}/pin`), (asked, ...at) => decide(asked, at, pin)],
  ['DELETE', path(`${RESOURCE}/pin`), (asked, ...at) => decide(asked, at, pin)],
  ['POST', path(`${RESOURCE}/versions/([^/]+)/disable`), (asked, ...at) => decide(asked, at, disable)],
  ['POST', path(`${RESOURCE}/versions/([^/]+)/enable`), (asked, ...at) => decide(asked, at, disable)],
  ['GET', path('/runs/(\\d+)/chain'), (asked, id) => chainOf(asked, Number(id))],
  ['GET', path('/projects/([^/]+)/trace'), (asked, project = '') => traceOf(asked, project)],
]

function pause({ world, body }: Asked, line: Line, name: string): Reply {
  const job = line.jobs.find((one) => one.name === name)
  if (!job) return no(404, 'job-not-found', 'There is no such job')
  const paused = 'reason' in body ? decreed(body) : null
  if (paused) world.pauses.set(keyOf(line, name), paused)
  else world.pauses.delete(keyOf(line, name))
  job.waiting = paused ? `paused by ${paused.by}: ${paused.reason}` : null
  return ok({ job: name, paused })
}

function forget({ world, body }: Asked): Reply {
  if (body['confirm'] !== body['name'])
    return no(422, 'wrong-confirmation', 'The name that confirms it is another one')
  world.removed = world.removed.filter(({ name }) => name !== body['name'])
  return { status: 202, body: { items: world.removed, next: null } }
}

function maintain({ world, body }: Asked): Reply {
  world.server = { ...world.server, maintenance: 'reason' in body ? decreed(body) : null }
  world.announce({ kind: 'maintenance.changed' })
  return ok({ maintenance: world.server.maintenance })
}

function pauseLine({ world, body }: Asked, line: Line): Reply {
  line.paused = 'reason' in body ? decreed(body) : null
  world.announce({ kind: 'pause.changed', project: line.project, pipeline: line.name })
  return ok({ project: line.project, pipeline: line.name, paused: line.paused })
}

function pauseResource({ body }: Asked, line: Line, name: string): Reply {
  const resource = line.resources.find((one) => one.name === name)
  if (!resource) return no(404, 'resource-not-found', 'There is no such resource')
  resource.paused = 'reason' in body ? decreed(body) : null
  return ok({ resource: name, paused: resource.paused })
}

function rerun({ world }: Asked, line: Line): Reply {
  const stopped = line.jobs.filter(
    ({ last_run }) => last_run?.state === 'failed' || last_run?.state === 'errored',
  )
  const items = stopped.map((job) => world.addRun(line, job.name, { reason: 'retry by ada' }))
  return { status: 201, body: { items, next: null } }
}

type Decide = (version: LaneVersion, asked: Asked, wanted: string | undefined) => void

const pin: Decide = (version, { body }) => {
  version.pinned = version.name === body['version'] ? decreed(body) : null
}
const disable: Decide = (version, { body }, wanted) => {
  if (version.name === wanted) version.disabled = 'reason' in body ? decreed(body) : null
}

const decide = (asked: Asked, at: string[], how: Decide): Reply =>
  onLine(asked, at, (line) => {
    for (const version of asked.world.versions.get(keyOf(line, at[2] ?? '')) ?? []) how(version, asked, at[3])
    return ok({})
  })

function traceOf({ world, url }: Asked, project: string): Reply {
  const wanted = url.searchParams.get('version') ?? ''
  const lines = world.lines.filter((line) => line.project === project)
  const resources = lines.flatMap((line) => line.resources.map((resource) => ({ line, resource })))
  const found = resources.filter(({ resource }) => resource.newest?.name.startsWith(wanted))
  const newest = found[0]?.resource.newest
  if (!newest) return no(404, 'version-not-found', 'There is no such version')
  const traced: Trace = {
    ...{ version: newest.name, title: newest.title, author: newest.author },
    environments: world
      .runsOf((run) => run.environment !== null && run.inputs.some(({ version }) => version === newest.name))
      .map((run) => ({
        ...{ name: run.environment ?? '', pipeline: run.pipeline, lane: run.lane, job: run.job, run: run.id },
        ...{ since: run.created_at, state: 'here' },
      })),
    lines: found.map(({ line, resource }) => ({
      ...{
        pipeline: line.name,
        lane: line.lane ?? '',
        resource: resource.name,
        recorded_at: newest.created_at,
      },
      ...{ newest: true, left: false, disabled: null },
      jobs: line.jobs.map(({ name, last_run: run }) => ({
        job: name,
        run: run && linkOf(world, run),
        legs: world.legsOf(line, name).map((leg) => linkOf(world, leg)),
      })),
    })),
  }
  return ok(traced)
}

/** A run as a link of a chain. */
const linkOf = ({ runs, gates }: Asked['world'], { id }: Pick<RunSummary, 'id'>) => {
  const run = runs.get(id)
  if (!run) throw new Error(`there is no run ${id}`)
  const { job, number, state, allowed, held, environment, matrix, batch, created_at, started_at, ended_at } =
    run
  return {
    ...{
      id,
      job,
      number,
      state,
      allowed,
      held,
      environment,
      matrix,
      batch,
      created_at,
      started_at,
      ended_at,
    },
    upstream: run.upstream.map((need) => need.run),
    gates: gates
      .filter((gate) => gate.run === id)
      .map(({ name, opened_at, closed_at }) => ({ name, opened_at, closed_at })),
    outputs: Object.entries(run.outputs).map(([resource, version]) => ({ resource, version })),
  }
}

/** All that led to a run. */
function chainOf({ world }: Asked, id: number): Reply {
  const seen = new Set([id])
  for (const one of seen) for (const need of world.runs.get(one)?.upstream ?? []) seen.add(need.run)
  const items = [...seen].toSorted((a, b) => a - b).map((one) => linkOf(world, { id: one }))
  return ok({ run: id, items })
}

/** The line with what its resources are pinned to. */
export const withPins = (world: FakeWorld, line: Line): Line => ({
  ...line,
  resources: line.resources.map((resource) => {
    const versions = world.versions.get(keyOf(line, resource.name)) ?? []
    const found = versions.find(({ pinned }) => pinned !== null)
    return { ...resource, pinned: found?.pinned ? { ...found.pinned, version: found.name } : null }
  }),
})
