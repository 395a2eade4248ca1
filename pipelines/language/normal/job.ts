import type { z } from 'zod'
import type { Path } from '../diagnostic.ts'
import type { Concurrency, Container, Get, Health, Job, Matrix, Need } from '../pipeline.ts'
import type { PipelineFile } from '../schema.ts'
import type { services } from '../shape/job.ts'
import { entriesOf, isList, listed, type Note } from './forms-of-writing.ts'
import { formOf, groupOf, hooksOf, retryOf, shortSteps, stepsOf, useOf } from './steps.ts'

type Written = PipelineFile['jobs'][string]
type Defaults = NonNullable<PipelineFile['defaults']>

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

type Around = {
  readonly defaults: Defaults
  /** What it gets when it names neither resources nor jobs. */
  readonly implied: readonly Get[]
  /** Resources whose versions start nothing. */
  readonly still: ReadonlySet<string>
  readonly note: Note
}

/** One job with every default filled in. */
export function jobOf(name: string, job: Written, { defaults, implied, still, note }: Around): Job {
  const path: Path = ['jobs', name]
  const written: Job = {
    name,
    use: job.use === undefined ? null : useOf(job.use, job.with),
    gets: job.get ? getsOf(job.get, path, { still, note }) : job.needs ? [] : implied,
    needs: needsOf(job.needs, path, note),
    start: job.start ?? 'settled',
    when: job.when === undefined ? null : listed(job.when),
    if: job.if ?? null,
    paths: listed(job.paths),
    ...shared(job, defaults),
    secrets: listed(job.secrets),
    idToken: job.id_token ? { audience: listed(job.id_token.audience) } : null,
    steps: job.steps
      ? job.steps.flatMap((step, index) => stepsOf(step, [...path, 'steps', index], note))
      : shortSteps(job, path, note),
    hooks: hooksOf(job, path, note),
    keep: keepOf(job.keep),
    outputs: listed(job.outputs),
    services: containersOf(job.services, [...path, 'services'], note),
    matrix: job.matrix ? matrixOf(job.matrix) : null,
    reports: reportsOf(job.reports),
    allowFailure: job.allow_failure ?? false,
    environment: job.environment ?? null,
    concurrency: concurrencyOf(job.concurrency),
    priority: job.priority ?? 0,
    inputs: formOf(job.inputs),
  }
  return note(written, { path, at: 'key' })
}

/** What a job may leave to the defaults. */
function shared(job: Written, defaults: Defaults) {
  return {
    image: job.image ?? defaults.image ?? null,
    env: { ...defaults.env, ...job.env },
    cache: cacheOf({ ...defaults.cache, ...job.cache }),
    retry: retryOf(job.retry ?? defaults.retry),
    timeoutMs: job.timeout ?? defaults.timeout ?? 60 * MINUTE_MS,
    inactivityMs: job.inactivity ?? defaults.inactivity ?? 15 * MINUTE_MS,
    runsOn: labelsOf(job.runs_on ?? defaults.runs_on),
    limits: { cpu: 2, memory: '4Gi', pids: 1024, ...defaults.limits, ...job.limits },
  }
}

const getsOf = (
  written: Written['get'],
  path: Path,
  { still, note }: Pick<Around, 'still' | 'note'>,
): Get[] =>
  entriesOf(written, [...path, 'get']).map(({ name, body, place }) => {
    const { trigger = true, version = 'latest', start = null, params = {} } = body
    return note({ resource: name, params, trigger: trigger && !still.has(name), version, start }, place)
  })

const needsOf = (written: Written['needs'], path: Path, note: Note): Need[] =>
  entriesOf(written, [...path, 'needs']).map(({ name, body, place }) => {
    const { trigger = true, on = 'success', versions = 'same', start = null } = body
    return note({ job: name, trigger, on: listed(on), versions, start }, place)
  })

const cacheOf = (written: NonNullable<Written['cache']>): Job['cache'] =>
  Object.entries(written).map(([name, body]) =>
    typeof body === 'string' || isList(body)
      ? { name, key: listed(body), paths: [] }
      : { name, key: listed(body.key), paths: listed(body.paths) },
  )

function labelsOf(written: Written['runs_on']): readonly string[] {
  if (written === undefined) return []
  if (typeof written === 'string' || isList(written)) return listed(written)
  return Object.entries(written).map(([label, value]) => `${label}=${value}`)
}

function keepOf(written: Written['keep']): Job['keep'] {
  if (written === undefined) return null
  if (typeof written === 'string' || isList(written)) return keepOf({ paths: [...listed(written)] })
  return { paths: listed(written.paths), forMs: written.for ?? 30 * DAY_MS, runs: written.runs ?? 50 }
}

function reportsOf(written: Written['reports']): Job['reports'] {
  if (written === undefined) return { junit: [], coverage: [] }
  if (typeof written === 'string' || isList(written)) return { junit: listed(written), coverage: [] }
  return { junit: listed(written.junit), coverage: listed(written.coverage) }
}

function concurrencyOf(written: Written['concurrency']): Concurrency | null {
  if (written === undefined) return null
  const {
    group = null,
    limit = 1,
    superseded = null,
  } = typeof written === 'string' ? { group: written } : written
  return { group, limit, superseded }
}

function matrixOf({
  exclude,
  include,
  mode,
  max_parallel,
  fail_fast,
  ...axes
}: NonNullable<Written['matrix']>): Matrix {
  return {
    axes,
    exclude: exclude ?? [],
    include: include ?? [],
    ...groupOf({ mode, max_parallel, fail_fast }),
  }
}

type Services = z.output<typeof services>
const containersOf = (written: Services | undefined, path: Path, note: Note): Container[] =>
  Object.entries(written ?? {}).map(([name, body]) => {
    const { image, env = {}, run, health, depends_on } = typeof body === 'string' ? { image: body } : body
    const container = {
      name,
      image,
      env,
      commands: listed(run),
      health: healthOf(health),
      dependsOn: listed(depends_on),
    }
    return note(container, { path: [...path, name], at: 'key' })
  })

type WrittenHealth = Exclude<Services[string], string>['health']
function healthOf(written: WrittenHealth): Health | null {
  const probe = written && probeOf(written)
  return probe ? { probe, intervalMs: written.interval ?? 1_000, timeoutMs: written.timeout ?? 60_000 } : null
}

function probeOf({ tcp, http, run }: NonNullable<WrittenHealth>): Health['probe'] | null {
  if (tcp !== undefined) return { kind: 'tcp', port: tcp }
  if (http !== undefined) return { kind: 'http', port: http.port, path: http.path ?? '/' }
  return run === undefined ? null : { kind: 'run', command: run }
}
