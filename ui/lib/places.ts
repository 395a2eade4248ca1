import { chartsIn, type ChartsWanted } from './chart-places.ts'
import { type LineFilter, lineFilterIn } from './line-filter.ts'
import type { Remembering } from './state-places.ts'
/** Where a person can be. Addresses are made and read here and nowhere else. */
export type Place =
  | { readonly page: 'home'; readonly wanted: LineFilter }
  | { readonly page: 'login'; readonly to: string }
  | { readonly page: 'join' }
  | {
      readonly page: 'line'
      readonly project: string
      readonly pipeline: string
      readonly lane: string | null
      /** Whose way is followed through it. */
      readonly version: string | null
      readonly open: Opened | null
    }
  | {
      readonly page: 'edit'
      readonly project: string
      readonly pipeline: string
      readonly lane: string | null
    }
  | { readonly page: 'where'; readonly version: string }
  | { readonly page: 'run'; readonly id: number; readonly show: RunView }
  | {
      readonly page: 'tests'
      readonly project: string
      readonly pipeline: string
      readonly job: string
      readonly sort: TestOrder
    }
  | { readonly page: 'deliveries'; readonly wanted: DeliveriesWanted }
  | { readonly page: 'delivery'; readonly id: number }
  | { readonly page: 'charts'; readonly wanted: ChartsWanted }
  | { readonly page: 'audit'; readonly wanted: AuditWanted }
  | { readonly page: 'policies'; readonly organization: string | null }
  | { readonly page: 'runners' | 'schedules' | 'account' | 'users' | 'server' | 'organizations' }
  | { readonly page: 'organization'; readonly name: string }
  | { readonly page: 'secrets'; readonly owner: SecretsOwner }
  | { readonly page: OfProject; readonly project: string }
  | {
      readonly page: 'states'
      readonly project: string
      readonly pipeline: string
      readonly lane: string | null
      readonly what: Remembering | null
    }
  | { readonly page: 'missing'; readonly path: string }

/** What is settled of one project. */
const OF_PROJECT = ['values', 'notices', 'services', 'statuses', 'sources', 'hooks'] as const
type OfProject = (typeof OF_PROJECT)[number]

/** Whose secrets they are. */
export type SecretsOwner = { readonly of: 'projects' | 'organizations'; readonly name: string }

export const AUDIT_OUTCOMES = ['done', 'refused', 'denied', 'failed'] as const
/** Which entries of the audit log; an empty text: any. */
export type AuditWanted = {
  readonly actor: string
  readonly action: string
  readonly project: string
  readonly outcome: (typeof AUDIT_OUTCOMES)[number] | ''
}

export const DELIVERY_SOURCES = ['github', 'gitlab', 'gitea', 'git', 'hosted', 'events', 'registry'] as const
export const DELIVERY_STATES = ['received', 'processed', 'ignored', 'refused', 'failed'] as const
/** Which deliveries; an empty text: any. */
export type DeliveriesWanted = {
  readonly project: string
  readonly event: string
  readonly source: (typeof DELIVERY_SOURCES)[number] | ''
  readonly state: (typeof DELIVERY_STATES)[number] | ''
}

/** What of a run is looked at. */
export const RUN_VIEWS = ['log', 'times', 'tests', 'coverage', 'files', 'compare'] as const
export type RunView = (typeof RUN_VIEWS)[number]

/** By what the tests of a job are told. */
export const TEST_ORDERS = ['failing', 'flaky', 'slowest'] as const
export type TestOrder = (typeof TEST_ORDERS)[number]

/** What of a line is open beside it. */
export type Opened = {
  readonly of: 'job' | 'resource'
  readonly name: string
  /** What is about to be done with it: its form is open. */
  readonly act?: Act | undefined
}
export const ACTS = ['run', 'pause', 'cancel', 'pin', 'disable'] as const
export type Act = (typeof ACTS)[number]

export function placeOf(url: URL): Place {
  const path = url.pathname.replace(/\/+$/, '') || '/'
  if (path === '/') return { page: 'home', wanted: lineFilterIn(url.searchParams) }
  if (path === '/login') return { page: 'login', to: ownAddress(url.searchParams.get('to')) }
  if (path === '/join') return { page: 'join' }
  if (path === '/deliveries') return { page: 'deliveries', wanted: deliveriesWantedIn(url.searchParams) }
  const delivery = /^\/deliveries\/([1-9]\d{0,15})$/.exec(path)
  if (delivery) return { page: 'delivery', id: Number(delivery[1]) }
  if (path === '/schedules') return { page: 'schedules' }
  if (path === '/charts') return { page: 'charts', wanted: chartsIn(url.searchParams) }
  if (path === '/runners') return { page: 'runners' }
  if (path === '/audit') return { page: 'audit', wanted: auditWantedIn(url.searchParams) }
  if (path === '/policies')
    return { page: 'policies', organization: url.searchParams.get('organization') || null }
  if (path === '/account') return { page: 'account' }
  if (path === '/users') return { page: 'users' }
  if (path === '/settings/server') return { page: 'server' }
  if (path === '/settings') return { page: 'organizations' }
  if (path === '/where') return { page: 'where', version: url.searchParams.get('version') ?? '' }
  const run = /^\/runs\/([1-9]\d{0,15})$/.exec(path)
  if (run) {
    const show = RUN_VIEWS.find((view) => view === url.searchParams.get('show')) ?? 'log'
    return { page: 'run', id: Number(run[1]), show }
  }
  return (
    organizationAt(path) ??
    secretsAt(path) ??
    ofProjectAt(path) ??
    statesAt(path, url.searchParams) ??
    onLine(path, url.searchParams) ?? { page: 'missing', path: decoded([url.pathname])?.[0] ?? url.pathname }
  )
}

function organizationAt(path: string): Place | null {
  const part = /^\/settings\/organizations\/([^/]+)$/.exec(path)?.[1]
  const [name] = (part !== undefined && decoded([part])) || []
  return name === undefined ? null : { page: 'organization', name }
}

export const organizationAddress = (name: string): string =>
  `/settings/organizations/${encodeURIComponent(name)}`

/** What an organization lets its lines use. */
export const policiesAddress = (organization: string): string =>
  `/policies?${new URLSearchParams({ organization })}`

function secretsAt(path: string): Place | null {
  const [, of, part] = /^\/settings\/(projects|organizations)\/([^/]+)\/secrets$/.exec(path) ?? []
  const [name] = (part !== undefined && decoded([part])) || []
  if (name === undefined) return null
  return { page: 'secrets', owner: { of: of === 'projects' ? of : 'organizations', name } }
}

export const secretsAddress = ({ of, name }: SecretsOwner): string =>
  `/settings/${of}/${encodeURIComponent(name)}/secrets`

function ofProjectAt(path: string): Place | null {
  const [, part, last] = /^\/settings\/projects\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  const page = OF_PROJECT.find((each) => each === last)
  const [project] = (part !== undefined && decoded([part])) || []
  return project === undefined || page === undefined ? null : { page, project }
}

export const valuesAddress = (project: string): string =>
  `/settings/projects/${encodeURIComponent(project)}/values`
export const noticesAddress = (project: string): string =>
  `/settings/projects/${encodeURIComponent(project)}/notices`
export const servicesAddress = (project: string): string =>
  `/settings/projects/${encodeURIComponent(project)}/services`
export const statusesAddress = (project: string): string =>
  `/settings/projects/${encodeURIComponent(project)}/statuses`
export const sourcesAddress = (project: string): string =>
  `/settings/projects/${encodeURIComponent(project)}/sources`
export const hooksAddress = (project: string): string =>
  `/settings/projects/${encodeURIComponent(project)}/hooks`

/** The pages that show what is public to people who are not signed in. */
const OPEN_PAGES: readonly Place['page'][] = ['home', 'line', 'run', 'tests', 'where', 'charts', 'missing']
export const isOpen = (page: Place['page']): boolean => OPEN_PAGES.includes(page)

function onLine(path: string, query: URLSearchParams): Place | null {
  const parts = /^\/p\/([^/]+)\/([^/]+)(?:\/jobs\/([^/]+)\/tests|\/edit)?$/.exec(path)?.slice(1) ?? []
  const names = decoded(parts.filter((part) => part !== undefined))
  if (names?.some((name) => /^\.+$/.test(name))) return null
  const [project, pipeline, job] = names ?? []
  if (project === undefined || pipeline === undefined) return null
  const lane = query.get('lane')
  if (job === undefined && /\/p\/[^/]+\/[^/]+\/edit$/.test(path))
    return { page: 'edit', project, pipeline, lane }
  if (job === undefined)
    return {
      ...{ page: 'line', project, pipeline, lane, open: openedIn(query) },
      version: query.get('version') || null,
    }
  const sort = TEST_ORDERS.find((order) => order === query.get('sort')) ?? 'failing'
  return { page: 'tests', project, pipeline, job, sort }
}

export const runAddress = (id: number, show: RunView = 'log'): string =>
  show === 'log' ? `/runs/${id}` : `/runs/${id}?show=${show}`

type LineAt = {
  readonly project: string
  readonly pipeline: string
  readonly lane?: string | null
  readonly version?: string | null
}

/** A line on a lane (without one: the lane that it shows by itself), whose way is followed, and what is open beside it. */
export function lineAddress(
  { project, pipeline, lane, version }: LineAt,
  open: Opened | null = null,
): string {
  const query = new URLSearchParams()
  if (lane) query.set('lane', lane)
  if (version) query.set('version', version)
  if (open) query.set(open.of, open.name)
  if (open?.act) query.set('act', open.act)
  const address = `/p/${encodeURIComponent(project)}/${encodeURIComponent(pipeline)}`
  return query.size > 0 ? `${address}?${query}` : address
}

/** Where the file of a line is written. */
export function editAddress({ project, pipeline, lane }: LineAt): string {
  const address = `/p/${encodeURIComponent(project)}/${encodeURIComponent(pipeline)}/edit`
  return lane ? `${address}?${new URLSearchParams({ lane })}` : address
}

function statesAt(path: string, query: URLSearchParams): Place | null {
  const parts = /^\/p\/([^/]+)\/([^/]+)\/state$/.exec(path)?.slice(1)
  const [project, pipeline] = (parts && decoded(parts)) || []
  if (project === undefined || pipeline === undefined) return null
  const open = openedIn(query)
  const what = open && { of: `${open.of}s` as const, name: open.name, leg: query.get('leg') }
  return { page: 'states', project, pipeline, lane: query.get('lane'), what }
}

type JobAt = { readonly project: string; readonly pipeline: string; readonly job: string }

/** How the tests of a job came out over its newest runs. */
export function testsAddress({ project, pipeline, job }: JobAt, sort: TestOrder = 'failing'): string {
  const [at, of, name] = [project, pipeline, job].map(encodeURIComponent)
  return `/p/${at}/${of}/jobs/${name}/tests${sort === 'failing' ? '' : `?sort=${sort}`}`
}

function openedIn(query: URLSearchParams): Opened | null {
  for (const of of ['job', 'resource'] as const) {
    const name = query.get(of)
    const act = ACTS.find((each) => each === query.get('act'))
    if (name) return { of, name, ...(act ? { act } : {}) }
  }
  return null
}

function auditWantedIn(query: URLSearchParams): AuditWanted {
  const [actor = '', action = '', project = ''] = ['actor', 'action', 'project'].map(
    (name) => query.get(name) ?? '',
  )
  const outcome = AUDIT_OUTCOMES.find((each) => each === query.get('outcome')) ?? ''
  return { actor, action, project, outcome }
}

function deliveriesWantedIn(query: URLSearchParams): DeliveriesWanted {
  const source = DELIVERY_SOURCES.find((each) => each === query.get('source')) ?? ''
  const state = DELIVERY_STATES.find((each) => each === query.get('state')) ?? ''
  return { project: query.get('project') ?? '', event: query.get('event') ?? '', source, state }
}

export function deliveriesAddress(wanted: DeliveriesWanted): string {
  const said = Object.entries(wanted).filter(([, value]) => value !== '')
  return said.length === 0 ? '/deliveries' : `/deliveries?${new URLSearchParams(said)}`
}
export const deliveryAddress = (id: number): string => `/deliveries/${id}`

export function auditAddress(wanted: AuditWanted): string {
  const said = Object.entries(wanted).filter(([, value]) => value !== '')
  return said.length === 0 ? '/audit' : `/audit?${new URLSearchParams(said)}`
}

export const whereAddress = (version: string): string =>
  version === '' ? '/where' : `/where?${new URLSearchParams({ version })}`

export function loginAddress(from: string): string {
  return from === '/' || from.startsWith('/login') ? '/login' : `/login?to=${encodeURIComponent(from)}`
}

/** An address of ours to go to, or the front page: a link must not be able to send a person elsewhere. */
export function ownAddress(wanted: string | null): string {
  if (!wanted?.startsWith('/')) return '/'
  const here = 'https://takt.invalid'
  const url = URL.canParse(wanted, here) ? new URL(wanted, here) : null
  return url?.origin === here && !/^\/(\/|login)/.test(url.pathname)
    ? url.pathname + url.search + url.hash
    : '/'
}

/** Names out of an address, or null where it is not valid percent-encoding. */
function decoded(parts: readonly string[]): string[] | null {
  try {
    return parts.map(decodeURIComponent)
  } catch {
    return null
  }
}
