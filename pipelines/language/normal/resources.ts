import type { Resource } from '../resource.ts'
import type { Resource as Written } from '../shape/resources.ts'
import { listed, type Note } from './forms-of-writing.ts'

/** The resources of a file; without any, its own repository under the name `src`. */
export function resourcesOf(written: Readonly<Record<string, Written>> | undefined, note: Note): Resource[] {
  const all = Object.entries(written ?? { src: { git: '.' } })
  return all.map(([name, body]) => note(resourceOf(name, body), { path: ['resources', name], at: 'key' }))
}

function resourceOf(name: string, body: Written): Resource {
  if ('git' in body) return gitOf(name, body)
  if ('registry' in body) {
    const { registry, tag = null, login = null } = body
    return { name, kind: 'registry', repository: registry, tag, login, ...watched(body) }
  }
  if ('time' in body) return timeOf(name, body)
  if ('semver' in body) return { name, kind: 'semver', initial: body.semver.initial ?? '0.0.0' }
  if ('params' in body) return { name, kind: 'params', values: body.params }
  if ('state' in body) return { name, kind: 'state' }
  if ('files' in body)
    return { name, kind: 'files', keepMs: body.files.keep ?? null, runs: body.files.runs ?? null }
  if ('event' in body) return eventOf(name, body)
  if ('upstream' in body) return upstreamOf(name, body)
  const { type, source = {}, version = null } = body
  return { name, kind: 'custom', type, source, version, ...watched(body) }
}

const watched = (body: { check?: number | undefined; pin?: string | undefined }) => ({
  checkMs: body.check ?? null,
  pin: body.pin ?? null,
})

const gitOf = (name: string, body: Extract<Written, { git: string }>): Resource => ({
  name,
  kind: 'git',
  repository: body.git,
  branch: body.branch ?? null,
  paths: listed(body.paths),
  depth: body.depth ?? 1,
  submodules: body.submodules ?? false,
  lfs: body.lfs ?? false,
  login: body.login ?? null,
  ...watched(body),
})

const timeOf = (name: string, body: Extract<Written, { time: string }>): Resource => ({
  name,
  kind: 'time',
  schedule: body.time,
  timezone: body.timezone ?? 'UTC',
  misfire: body.misfire ?? 'once',
  misfireGraceMs: body.misfire_grace ?? null,
  maxCatchUp: body.max_catch_up ?? 24,
  overlap: body.overlap ?? 'skip',
  jitterMs: body.jitter ?? 0,
})

const eventOf = (name: string, body: Extract<Written, { event: object }>): Resource => ({
  name,
  kind: 'event',
  source: body.event.source,
  if: Object.fromEntries(
    Object.entries(body.event.if ?? {}).map(([place, values]) => [place, listed(values)]),
  ),
  debounceMs: body.event.debounce ?? null,
})

const upstreamOf = (name: string, body: Extract<Written, { upstream: string }>): Resource => {
  const [job = '', pipeline = '', project = null] = body.upstream.split('/').toReversed()
  return { name, kind: 'upstream', project, pipeline, job, lanes: listed(body.lane) }
}
