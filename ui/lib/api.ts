import type {
  Diagnostic as DiagnosticShape,
  Project as ProjectShape,
  ProjectList,
  Revision as RevisionShape,
} from '../../server/catalog/shapes.ts'
import type { PipelineList, PipelineView } from '../../server/lines/shapes.ts'
import type {
  Run as RunShape,
  RunInput as RunInputShape,
  RunList as RunListShape,
  RunStep as RunStepShape,
  RunSummary as RunSummaryShape,
} from '../../server/runs/shapes.ts'

/**
 * The only place that knows the server's API. Types come from the server's own shapes and are erased in the bundle.
 */
type Spoken<Shape extends { _output: unknown }> = Shape['_output']

export type Diagnostic = Spoken<typeof DiagnosticShape>
export type Project = Spoken<typeof ProjectShape>
export type Projects = Spoken<typeof ProjectList>
export type Revision = Spoken<typeof RevisionShape>
export type Pipelines = Spoken<typeof PipelineList>
export type PipelineSummary = Pipelines['items'][number]
export type Pipeline = Spoken<typeof PipelineView>
export type Job = Pipeline['jobs'][number]
export type Resource = Pipeline['resources'][number]
export type Run = Spoken<typeof RunShape>
export type RunSummary = Spoken<typeof RunSummaryShape>
export type RunInput = Spoken<typeof RunInputShape>
export type RunStep = Spoken<typeof RunStepShape>
export type Runs = Spoken<typeof RunListShape>

export type Me = { readonly name: string; readonly role: string }
export type Runner = {
  readonly id: number
  readonly name: string
  readonly engine: string
  readonly isolated: boolean
  readonly words: string
  readonly slots: number
  readonly busy: number
  readonly connected: boolean
}
export type Server = {
  readonly version: string
  readonly url: string
  readonly runners: readonly Runner[]
  readonly demo: { readonly clone: string } | null
}
export type Delivery = {
  readonly id: number
  readonly source: string
  readonly event: string
  readonly project: string | null
  readonly state: 'received' | 'processed' | 'ignored' | 'failed'
  readonly reason: string | null
  readonly received_at: string
  readonly processed_at: string | null
}
export type Deliveries = { readonly items: readonly Delivery[]; readonly next: string | null }

/** What the server answered, and the event it had last committed by then: where to watch from. */
export type Answer<Body> = { readonly body: Body; readonly cursor: number }

export type Complaint = {
  status: number
  code: string
  title: string
  detail: string
  hint?: string | undefined
}

/** The server said no, in its own words (RFC 9457). */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly hint: string | null

  constructor(complaint: Complaint) {
    super(complaint.detail || complaint.title)
    this.status = complaint.status
    this.code = complaint.code
    this.title = complaint.title
    this.hint = complaint.hint ?? null
  }

  static unreachable(): Refusal {
    const detail = 'The server does not answer. This page keeps trying.'
    return new Refusal({ status: 0, code: 'unreachable', title: 'Server unreachable', detail })
  }
}

export const asRefusal = (cause: unknown): Refusal =>
  cause instanceof Refusal ? cause : Refusal.unreachable()

type Ask = {
  readonly method?: 'POST' | 'DELETE'
  readonly json?: unknown
  readonly bearer?: string
  readonly signal?: AbortSignal
}

async function ask<Body>(path: string, { method, json, bearer, signal }: Ask = {}): Promise<Answer<Body>> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (json !== undefined) headers['content-type'] = 'application/json'
  if (bearer) headers['authorization'] = `Bearer ${bearer}`
  const answer = await fetch(`/api/v1${path}`, {
    method: method ?? 'GET',
    headers,
    credentials: 'same-origin',
    ...(json !== undefined && { body: JSON.stringify(json) }),
    ...(signal && { signal }),
  })
  if (!answer.ok) throw await refusalOf(answer)
  const text = await answer.text()
  return {
    body: text === '' ? null : JSON.parse(text),
    cursor: Number(answer.headers.get('takt-cursor') ?? 0),
  }
}

async function refusalOf(answer: Response): Promise<Refusal> {
  const complaint: Partial<Complaint> = await answer.json().catch(() => ({}))
  const { status } = answer
  return new Refusal({
    status,
    code: complaint.code ?? `http_${status}`,
    title: complaint.title ?? `The server answered ${status}`,
    detail: complaint.detail ?? '',
    hint: complaint.hint,
  })
}

const body = async <Body>(answer: Promise<Answer<Body>>): Promise<Body> => (await answer).body
const part = encodeURIComponent
const linePath = (project: string, pipeline: string) =>
  `/projects/${part(project)}/pipelines/${part(pipeline)}`

/** `?a=1&b=2` of what is set. */
function query(parameters: Readonly<Record<string, string | number | null | undefined>>): string {
  const set = Object.entries(parameters).flatMap(([name, value]) =>
    value == null ? [] : [[name, String(value)]],
  )
  return set.length === 0 ? '' : `?${new URLSearchParams(set)}`
}

export type RunFilter = {
  project?: string
  pipeline?: string
  job?: string
  lane?: string | null
  state?: string
  after?: string
  limit?: number
}

export const api = {
  me: (signal?: AbortSignal) => body(ask<Me>('/me', signal ? { signal } : {})),
  signIn: (link: string) => body(ask<Me | null>('/session', { method: 'POST', json: { link } })),
  signInWithToken: (bearer: string) => body(ask<Me | null>('/session', { method: 'POST', json: {}, bearer })),
  signOut: () => body(ask<null>('/session', { method: 'DELETE' })),
  server: (signal: AbortSignal) => ask<Server>('/server', { signal }),
  projects: (signal: AbortSignal) => ask<Projects>('/projects', { signal }),
  pipelines: (signal: AbortSignal) => ask<Pipelines>('/pipelines', { signal }),
  pipeline: (at: { project: string; pipeline: string; lane: string | null }, signal: AbortSignal) =>
    ask<Pipeline>(linePath(at.project, at.pipeline) + query({ lane: at.lane }), { signal }),
  runs: (filter: RunFilter, signal: AbortSignal) => ask<Runs>(`/runs${query(filter)}`, { signal }),
  run: (id: number, signal: AbortSignal) => ask<Run>(`/runs/${id}`, { signal }),
  start: (at: { project: string; pipeline: string; job: string; lane: string | null }) =>
    body(
      ask<Run>(`${linePath(at.project, at.pipeline)}/jobs/${part(at.job)}/runs`, {
        method: 'POST',
        json: at.lane === null ? {} : { lane: at.lane },
      }),
    ),
  cancel: (id: number, reason: string) =>
    body(ask<Run>(`/runs/${id}/cancel`, { method: 'POST', json: reason === '' ? {} : { reason } })),
  retry: (id: number) => body(ask<Run>(`/runs/${id}/retry`, { method: 'POST', json: {} })),
  deliveries: (limit: number, signal: AbortSignal) =>
    ask<Deliveries>(`/deliveries${query({ limit })}`, { signal }),
  replay: (id: number) => body(ask<unknown>(`/deliveries/${id}/replay`, { method: 'POST', json: {} })),
}

/** Where the whole log lies as plain text. */
export const rawLogAddress = (run: number): string => `/api/v1/runs/${run}/log`
