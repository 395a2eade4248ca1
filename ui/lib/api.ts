import { hc, type InferResponseType } from 'hono/client'
import type { Api } from '../../server/app.ts'

/** The only place that knows the server's API. Its types are read off the server's routes and leave nothing in the bundle. */
export const { v1 } = hc<Api>('/').api

const line = v1.projects[':project'].pipelines[':pipeline']
const oneRun = v1.runs[':id']
const artifact = oneRun.artifacts[':name']
const oneJob = line.jobs[':job']
const oneResource = line.resources[':resource']
const oneVersion = oneResource.versions[':version']
const oneRunner = v1.runners[':name']
const trace = v1.projects[':project'].trace

export type Me = InferResponseType<typeof v1.me.$get, 200>
export type Server = InferResponseType<typeof v1.server.$get, 200>
export type Runners = InferResponseType<typeof v1.runners.$get, 200>
export type Runner = Runners['items'][number]
export type RunnerEvents = InferResponseType<typeof oneRunner.events.$get, 200>
export type Steering = 'pause' | 'resume' | 'drain' | 'reset'
export type Projects = InferResponseType<typeof v1.projects.$get, 200>
export type Project = Projects['items'][number]
export type Pipelines = InferResponseType<typeof v1.pipelines.$get, 200>
export type PipelineSummary = Pipelines['items'][number]
export type Pipeline = InferResponseType<typeof line.$get, 200>
export type Job = Pipeline['jobs'][number]
export type Leg = Job['legs'][number]
export type Resource = Pipeline['resources'][number]
export type Revision = NonNullable<Pipeline['revision']>
export type Runs = InferResponseType<typeof v1.runs.$get, 200>
export type RunSummary = Runs['items'][number]
export type Run = InferResponseType<typeof oneRun.$get, 200>
export type RunStep = Run['steps'][number]
export type RunTerminals = InferResponseType<typeof oneRun.terminals.$get, 200>
export type RunTerminal = RunTerminals['items'][number]
export type TestResults = InferResponseType<typeof oneRun.tests.$get, 200>
export type TestResult = TestResults['items'][number]
export type JobTests = InferResponseType<typeof oneJob.tests.$get, 200>
export type JobTest = JobTests['items'][number]
export type Coverage = InferResponseType<typeof oneRun.coverage.$get, 200>
export type Gates = InferResponseType<typeof v1.gates.$get, 200>
export type Gate = Gates['items'][number]
export type PullHead = InferResponseType<typeof v1.pulls.$get, 200>['items'][number]
export type Artifacts = InferResponseType<typeof oneRun.artifacts.$get, 200>
export type Artifact = Artifacts['items'][number]
export type ArtifactFiles = InferResponseType<typeof artifact.files.$get, 200>
export type Why = InferResponseType<typeof oneJob.why.$get, 200>
export type Trigger = Why['triggers'][number]
export type Decree = NonNullable<Why['paused']>
export type Versions = InferResponseType<typeof oneResource.versions.$get, 200>
export type LaneVersion = Versions['items'][number]
export type Trace = InferResponseType<typeof trace.$get, 200>
export type Chain = InferResponseType<typeof oneRun.chain.$get, 200>

/** What the server answered, and the event it had last committed by then: where to watch from. */
export type Answer<Body> = { readonly body: Body; readonly cursor: number }

export type Complaint = {
  status: number
  code: string
  title: string
  detail: string
  hint?: string | undefined
  /** What is wrong with which field of a form. */
  problems?: readonly FieldProblem[] | undefined
  /** Where a branch stands by now that somebody else moved. */
  head?: string | null | undefined
}
export type FieldProblem = { readonly field: string; readonly message: string }

/** The server said no, in its own words (RFC 9457). */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly hint: string | null
  readonly problems: readonly FieldProblem[]
  readonly head: string | null

  constructor(complaint: Complaint) {
    super(complaint.detail || complaint.title)
    this.status = complaint.status
    this.code = complaint.code
    this.title = complaint.title
    this.hint = complaint.hint ?? null
    this.problems = complaint.problems ?? []
    this.head = complaint.head ?? null
  }

  static unreachable(): Refusal {
    const detail = 'The server does not answer. This page keeps trying.'
    return new Refusal({ status: 0, code: 'unreachable', title: 'Server unreachable', detail })
  }
}

export const asRefusal = (cause: unknown): Refusal =>
  cause instanceof Refusal ? cause : Refusal.unreachable()

type Reply<Body> = Pick<Response, 'ok' | 'status' | 'headers'> & { json(): Promise<Body> }

/** @throws {Refusal} Whenever the answer is not a success. */
export async function answer<Body>(asked: Promise<Reply<Body>>): Promise<Answer<Body>> {
  const reply = await asked
  if (!reply.ok) throw await refusalOf(reply)
  return { body: await reply.json(), cursor: Number(reply.headers.get('takt-cursor') ?? 0) }
}

export const body = async <Body>(asked: Promise<Reply<Body>>): Promise<Body> => (await answer(asked)).body

async function refusalOf(reply: Reply<unknown>): Promise<Refusal> {
  const said: unknown = await reply.json().catch(() => null) // a proxy's error page is not JSON
  const complaint: Partial<Complaint> = typeof said === 'object' && said !== null ? said : {}
  return new Refusal({
    status: reply.status,
    code: complaint.code ?? `http-${reply.status}`,
    title: complaint.title ?? `The server answered ${reply.status}`,
    detail: complaint.detail ?? '',
    hint: complaint.hint,
    problems: complaint.problems,
    head: complaint.head,
  })
}

export type LineAt = { readonly project: string; readonly pipeline: string; readonly lane: string | null }
export type JobAt = LineAt & { readonly job: string }
export type ResourceAt = LineAt & { readonly resource: string }
export type JobTestsAt = {
  readonly project: string
  readonly pipeline: string
  readonly job: string
  readonly sort: 'failing' | 'flaky' | 'slowest'
  readonly limit: number
}
export type RunFilter = LineAt & { readonly job?: string; readonly limit: number }
/** What a person chose for a start: versions by resource where not the newest, and what the job's form asks for. */
export type Chosen = {
  readonly versions?: Readonly<Record<string, string>>
  readonly inputs?: Readonly<Record<string, string>>
}

type ArtifactAt = { readonly run: number; readonly name: string }
export type Again = {
  readonly inputs: 'same' | 'newest'
  readonly hold?: string
  /** From where it left this checkpoint, instead of from its beginning. */
  readonly checkpoint?: string
}

/** Hono's client puts names into an address as they are, and drops a last part that is called `index`. */
export const part = (name: string) => encodeURIComponent(name).replace(/^index$/, '%69ndex')
const lineOf = (at: LineAt) => ({ project: part(at.project), pipeline: part(at.pipeline) })
const laneOf = (at: LineAt) => (at.lane === null ? {} : { lane: at.lane })
const jobOf = (at: JobAt) => ({ param: { ...lineOf(at), job: part(at.job) } })
const resourceOf = (at: ResourceAt) => ({ ...lineOf(at), resource: part(at.resource) })
const versionOf = (at: ResourceAt, version: string) => ({
  param: { ...resourceOf(at), version: part(version) },
})
const said = (comment: string) => (comment === '' ? {} : { comment })
const id = (run: number) => ({ param: { id: String(run) } })

export const api = {
  me: () => body(v1.me.$get()),
  signIn: (link: string) => body(v1.session.$post({ json: { link } })),
  signInWithPassword: (name: string, password: string) =>
    body(v1.session.$post({ json: { name, password } })),
  signInWithToken: (token: string) =>
    body(v1.session.$post({ json: {} }, { headers: { authorization: `Bearer ${token}` } })),
  /** Ends the session; a session that is gone already is as good as ended. */
  signOut: async () => void (await v1.session.$delete()),
  server: (signal: AbortSignal) => answer(v1.server.$get({}, { init: { signal } })),
  runners: (signal: AbortSignal) => answer(v1.runners.$get({}, { init: { signal } })),
  runnerEvents: (name: string, limit: number, signal: AbortSignal) =>
    answer(
      oneRunner.events.$get(
        { param: { name: part(name) }, query: { limit: String(limit) } },
        { init: { signal } },
      ),
    ),
  /** Tells a runner what to do. */
  steer: (name: string, act: Steering, reason: string | null) =>
    body(oneRunner[act].$post({ param: { name: part(name) }, json: reason === null ? {} : { reason } })),
  projects: (signal: AbortSignal) => answer(v1.projects.$get({}, { init: { signal } })),
  pipelines: (signal: AbortSignal) => answer(v1.pipelines.$get({}, { init: { signal } })),
  pipeline: (at: LineAt, signal: AbortSignal) =>
    answer(
      line.$get(
        { param: { project: at.project, pipeline: at.pipeline }, query: laneOf(at) },
        { init: { signal } },
      ),
    ),
  runs: ({ limit, job, ...at }: RunFilter, signal: AbortSignal) => {
    const { project, pipeline } = at
    const query = { project, pipeline, ...laneOf(at), ...(job === undefined ? {} : { job }) }
    return answer(v1.runs.$get({ query: { ...query, limit: String(limit) } }, { init: { signal } }))
  },
  run: (run: number, signal: AbortSignal) =>
    answer(oneRun.$get({ ...id(run), query: {} }, { init: { signal } })),
  tests: (
    run: number,
    { sort, limit }: { sort: 'attention' | 'slowest'; limit: number },
    signal: AbortSignal,
  ) => answer(oneRun.tests.$get({ ...id(run), query: { sort, limit: String(limit) } }, { init: { signal } })),
  /** How a job's tests came out over its newest runs, on all lanes. */
  jobTests: ({ sort, limit, ...at }: JobTestsAt, signal: AbortSignal) =>
    answer(
      oneJob.tests.$get(
        { ...jobOf({ ...at, lane: null }), query: { sort, limit: String(limit) } },
        { init: { signal } },
      ),
    ),
  coverage: (run: number, limit: number, signal: AbortSignal) =>
    answer(oneRun.coverage.$get({ ...id(run), query: { limit: String(limit) } }, { init: { signal } })),
  artifacts: (run: number, signal: AbortSignal) =>
    answer(oneRun.artifacts.$get(id(run), { init: { signal } })),
  artifactFiles: ({ run, name }: ArtifactAt, page: { prefix: string; limit: number }) =>
    body(
      artifact.files.$get({
        param: { id: String(run), name: part(name) },
        query: { prefix: page.prefix, limit: String(page.limit) },
      }),
    ),
  start: (at: JobAt, chosen: Chosen = {}) =>
    body(oneJob.runs.$post({ ...jobOf(at), json: { ...laneOf(at), ...chosen } })),
  why: (at: JobAt, signal: AbortSignal) =>
    answer(oneJob.why.$get({ ...jobOf(at), query: laneOf(at) }, { init: { signal } })),
  pause: (at: JobAt, reason: string) => body(oneJob.pause.$post({ ...jobOf(at), json: { reason } })),
  resume: (at: JobAt) => body(oneJob.resume.$post(jobOf(at))),
  /** Runs again whatever stopped a version on its way down a lane. */
  rerun: (at: LineAt & { readonly lane: string }, version: string) =>
    body(line.rerun.$post({ param: lineOf(at), json: { lane: at.lane, version } })),
  versions: (at: ResourceAt, limit: number, signal: AbortSignal) =>
    answer(
      oneResource.versions.$get(
        { param: resourceOf(at), query: { ...laneOf(at), limit: String(limit) } },
        { init: { signal } },
      ),
    ),
  /** Looks for its new versions now. */
  checkNow: (at: ResourceAt) => body(oneResource.check.$post({ param: resourceOf(at) })),
  pin: (at: ResourceAt, version: string, reason: string) =>
    body(oneResource.pin.$put({ param: resourceOf(at), json: { ...laneOf(at), version, reason } })),
  unpin: (at: ResourceAt) => body(oneResource.pin.$delete({ param: resourceOf(at), query: laneOf(at) })),
  disable: (at: ResourceAt, version: string, reason: string) =>
    body(oneVersion.disable.$post({ ...versionOf(at, version), json: { ...laneOf(at), reason } })),
  enable: (at: ResourceAt, version: string) =>
    body(oneVersion.enable.$post({ ...versionOf(at, version), json: laneOf(at) })),
  trace: (project: string, version: string, signal: AbortSignal) =>
    answer(trace.$get({ param: { project: part(project) }, query: { version } }, { init: { signal } })),
  /** The run, and all that led to it. */
  chain: (run: number, signal: AbortSignal) => answer(oneRun.chain.$get(id(run), { init: { signal } })),
  cancel: (run: number, reason: string) =>
    body(oneRun.cancel.$post({ ...id(run), json: reason === '' ? {} : { reason } })),
  /** @param again  Its very versions or the newest; `hold` says how long its container is kept if it fails. */
  retry: (run: number, again: Again) =>
    body(
      oneRun.retry.$post({
        ...id(run),
        json: { with: again.inputs, ...(again.hold === undefined ? {} : { hold: again.hold }) },
      }),
    ),
  /** Runs again whatever stopped the line of a run, with its versions. */
  rerunAround: (run: number) => body(oneRun.rerun.$post(id(run))),
  restore: (run: number, checkpoint: string) =>
    body(oneRun.restore.$post({ ...id(run), json: { checkpoint } })),
  gatesOfRun: (run: number, signal: AbortSignal) =>
    answer(v1.gates.$get({ query: { run: String(run) } }, { init: { signal } })),
  gatesWaiting: (signal: AbortSignal) =>
    answer(v1.gates.$get({ query: { state: 'waiting' } }, { init: { signal } })),
  pullsWaiting: (signal: AbortSignal) =>
    answer(v1.pulls.$get({ query: { state: 'waiting' } }, { init: { signal } })),
  decidePull: ({ project, number, head }: PullHead, verdict: 'approve' | 'reject') =>
    body(
      v1.projects[':project'].pulls[':number'][verdict].$post({
        param: { project: part(project), number: String(number) },
        json: { head },
      }),
    ),
  approve: (gate: number, values: Readonly<Record<string, string>>, comment: string) =>
    body(v1.gates[':id'].approve.$post({ ...id(gate), json: { values, ...said(comment) } })),
  reject: (gate: number, comment: string) =>
    body(v1.gates[':id'].reject.$post({ ...id(gate), json: said(comment) })),
  /** The one-time address that lets a run go on which waits for a callback. */
  callbackUrl: (gate: number) => body(v1.gates[':id'].callback.$post(id(gate))),
  /** Who opened a terminal in it, the newest first. */
  terminals: (run: number, signal: AbortSignal) =>
    answer(oneRun.terminals.$get(id(run), { init: { signal } })),
  endHold: (run: number) => body(oneRun.hold.end.$post(id(run))),
}

/** Where an artifact lies packed, and where one file of it does. */
export const packedAddress = ({ run, name }: ArtifactAt): string =>
  `/api/v1/runs/${run}/artifacts/${encodeURIComponent(name)}.tar.gz`
export const fileAddress = ({ run, name }: ArtifactAt, path: string): string =>
  `/api/v1/runs/${run}/artifacts/${encodeURIComponent(name)}/files/${path.split('/').map(encodeURIComponent).join('/')}`

/** Where the whole log lies as plain text. */
export const rawLogAddress = (run: number): string => `/api/v1/runs/${run}/log`
