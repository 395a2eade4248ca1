import { runnerOf } from './fake-runners.ts'
import type { RunState, StepState } from '#pipelines/states.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { LiveSays } from '#pipelines/wire/live.ts'
import type {
  Decree,
  Gate,
  LaneVersion,
  Pipeline,
  Project,
  Run,
  RunSummary,
  RunTerminal,
  Server,
  Trigger,
  Why,
} from '../../ui/lib/api.ts'

import type { Deliveries, Delivery } from '../../ui/lib/deliveries-api.ts'
import type { Removed } from '../../ui/lib/pauses-api.ts'
import type { StoreName } from '../../ui/lib/secrets-api.ts'
import type { FakeReports } from './fake-reports.ts'

export type Piece = Omit<Extract<LiveSays, { say: 'log' }>, 'say' | 'watch'>
type PieceText = { readonly step: number; readonly text: string }
type Bare<Event> = Event extends unknown
  ? { [Key in keyof Event]: Event[Key] extends number ? number : Event[Key] }
  : never

const FINAL: readonly RunState[] = ['succeeded', 'failed', 'errored', 'cancelled', 'skipped']

/** What the fake server knows: rows, events and logs in memory, in the shapes of the real API. */
export class FakeWorld {
  readonly projects: Project[] = []
  readonly lines: Pipeline[] = []
  readonly runs = new Map<number, Run>()
  readonly deliveries: Delivery[] = []
  readonly gates: Gate[] = []
  readonly events: TaktEvent[] = []
  readonly logs = new Map<number, Piece[]>()
  readonly reports = new Map<number, FakeReports>()
  /** Who looked into which run, in order. */
  readonly terminals = new Map<number, RunTerminal[]>()
  /** Jobs whose runs have reported tests. */
  readonly tested = new Set<string>()
  /** Who paused a job, by its line and name. */
  readonly pauses = new Map<string, Decree>()
  /** Newest first, by line and job. */
  readonly triggers = new Map<string, Trigger[]>()
  /** Newest first, by line and resource. */
  readonly versions = new Map<string, LaneVersion[]>()
  /** What files have no more. */
  removed: Removed[] = []
  readonly listeners = new Set<() => void>()
  server: Server = {
    version: '0.1.0',
    url: 'http://127.0.0.1:8080',
    runners: [runnerOf({})],
    maintenance: null,
    demo: { clone: 'http://127.0.0.1:8080/git/demo.git' },
  }
  #lastRun = 0
  /** What the one who is signed in is on the server. */
  standing: 'admin' | 'member' = 'admin'
  /** Where else secrets may lie. */
  stores: StoreName[] = []
  /** Requests that are refused once, by `METHOD path`: for what a page does when the server says no. */
  readonly refusals = new Map<string, { status: number; code: string; title: string; detail: string }>()
  readonly asked: string[] = []

  get cursor(): number {
    return this.events.length
  }

  announce(event: Bare<TaktEvent>): void {
    // Ids are branded in the house; the fake hands out plain numbers.
    this.events.push(event as TaktEvent)
    this.changed()
  }

  changed(): void {
    for (const listener of this.listeners) listener()
  }

  line(project: string, name: string): Pipeline | undefined {
    return this.lines.find((line) => line.project === project && line.name === name)
  }

  pipelineList() {
    const items = this.lines.map((line) => ({
      project: line.project,
      name: line.name,
      valid: line.newest_revision?.valid ?? true,
      paused: line.paused,
      removed: line.removed,
      paused_jobs: line.jobs.flatMap(({ name }) => (this.pauses.has(keyOf(line, name)) ? [name] : [])),
      recent_runs: this.runsOf((run) => run.project === line.project && run.pipeline === line.name).slice(
        0,
        10,
      ),
    }))
    return { items, next: null }
  }

  runsOf(wanted: (run: Run) => boolean): RunSummary[] {
    return [...this.runs.values()].filter(wanted).toSorted((a, b) => b.id - a.id)
  }

  /** The line with the newest run of each leg, where the last run of a job is one of a matrix. */
  viewOf(line: Pipeline): Pipeline {
    return { ...line, jobs: line.jobs.map((job) => ({ ...job, legs: this.legsOf(line, job.name) })) }
  }

  legsOf(line: Pipeline, name: string): RunSummary[] {
    const batch = line.jobs.find((job) => job.name === name)?.last_run?.batch ?? null
    const runs = batch === null ? [] : this.runsOf((run) => run.batch === batch && run.job === name)
    const legs = Map.groupBy(runs.toReversed(), ({ matrix }) => JSON.stringify(matrix))
    return [...legs.values()].flatMap((all) => all.at(-1) ?? [])
  }

  /** Why a job does not run; what it waits for comes from the line. */
  whyOf(line: Pipeline, name: string): Why {
    const job = line.jobs.find((one) => one.name === name)
    const key = keyOf(line, name)
    const queued = this.runsOf(
      (run) => run.job === name && run.state === 'queued' && run.pipeline === line.name,
    )
    const triggers = this.triggers.get(key) ?? []
    return {
      ...{ job: name, lane: line.lane ?? 'main', paused: this.pauses.get(key) ?? null },
      waits: job?.waiting ? job.waiting.split('; ') : [],
      gathered: triggers.filter(({ fate }) => fate === 'gathered'),
      held: queued.flatMap(({ id, held }) => (held === null ? [] : [{ run: id, reason: held }])),
      triggers,
    }
  }

  deliveryList(): Deliveries {
    return { items: this.deliveries.toSorted((a, b) => b.id - a.id), next: null }
  }

  /** Puts a run on a line; its job shows it at once. */
  addRun(line: Pipeline, job: string, given: Partial<Run> = {}): Run {
    const id = ++this.#lastRun
    const number =
      1 +
      [...this.runs.values()].filter(
        (run) => run.pipeline === line.name && run.project === line.project && run.job === job,
      ).length
    const resource = line.resources[0]
    const newest = resource?.newest
    const run: Run = {
      id,
      number,
      project: line.project,
      pipeline: line.name,
      job,
      lane: line.lane ?? 'main',
      state: 'queued',
      attempt: 1,
      attempts: 3,
      again: null,
      not_before: null,
      allow_failure: false,
      allowed: false,
      runs_on: [],
      earlier: [],
      checkpoints: [],
      reason: `new version of \`${resource?.name ?? 'src'}\``,
      start: 'settled',
      held: null,
      skip: null,
      error: null,
      cancel_requested: false,
      retry_of: null,
      runner: null,
      isolated: null,
      inputs: newest
        ? [
            {
              resource: resource.name,
              version: newest.name,
              title: newest.title,
              author: newest.author,
              ref: newest.ref,
              from_run: null,
              from_runs: [],
            },
          ]
        : [],
      outputs: {},
      environment: null,
      matrix: null,
      batch: null,
      given: null,
      created_at: new Date().toISOString(),
      started_at: null,
      ended_at: null,
      steps: [],
      ...{ ahead: [], values: {}, images: [], warnings: [], follows: [], followers: [] },
      usage: null,
      hold: null,
      upstream: [],
      downstream: [],
      role: line.role,
      ...given,
    }
    this.runs.set(id, run)
    this.logs.set(id, [])
    for (const one of line.jobs) if (one.name === job) one.last_run = run
    this.announce({
      kind: 'run.moved',
      ...placeOf(run),
      lane: run.lane,
      job,
      run: id,
      from: null,
      to: run.state,
    })
    return run
  }

  move(run: Run, to: RunState): void {
    const from = run.state
    run.state = to
    const at = new Date().toISOString()
    if (to === 'running')
      Object.assign(run, {
        started_at: run.started_at ?? at,
        runner: run.runner ?? 'bench-1',
        isolated: run.isolated ?? true,
      })
    if (FINAL.includes(to)) run.ended_at = at
    this.announce({ kind: 'run.moved', ...placeOf(run), lane: run.lane, job: run.job, run: run.id, from, to })
  }

  step(run: Run, step: number, state: StepState, exitCode: number | null = null): void {
    const found = run.steps.find((one) => one.step === step)
    if (found) mark(found, state, exitCode)
    this.announce({ kind: 'run.progressed', ...placeOf(run), run: run.id })
  }

  command(
    run: Run,
    at: { step: number; command: number },
    state: StepState,
    exitCode: number | null = null,
  ): void {
    const step = run.steps.find((one) => one.step === at.step)
    const found = step?.commands.find((one) => one.command === at.command)
    if (found && step) {
      if (state === 'running') found.first_line = step.lines
      mark(found, state, exitCode)
    }
    this.announce({ kind: 'run.progressed', ...placeOf(run), run: run.id })
  }

  /** Says something in a run's log; text may end in the middle of a line. */
  print(run: Run, { step, text }: PieceText): void {
    const pieces = this.logs.get(run.id) ?? []
    const before = pieces.filter((piece) => piece.step === step && piece.attempt === run.attempt).at(-1)
    const offset = before?.end ?? 0
    const firstLine = before ? before.firstLine + newlines(before.text) : 0
    pieces.push({
      attempt: run.attempt,
      step,
      offset,
      end: offset + Buffer.byteLength(text),
      firstLine,
      text,
      at: new Date().toISOString(),
    })
    const found = run.steps.find((one) => one.step === step)
    const lines = firstLine + newlines(text) + (text.endsWith('\n') ? 0 : 1)
    if (found) Object.assign(found, { lines, bytes: offset + Buffer.byteLength(text) })
    this.changed()
  }

  isFinal = (run: Run): boolean => FINAL.includes(run.state)
}

export const keyOf = (line: Pipeline, name: string) => `${line.project}/${line.name}/${name}`

type Timed = {
  state: StepState
  exit_code: number | null
  started_at: string | null
  ended_at: string | null
}

function mark(timed: Timed, state: StepState, exitCode: number | null): void {
  timed.state = state
  timed.exit_code = exitCode
  const at = new Date().toISOString()
  if (state === 'running') timed.started_at = at
  else timed.ended_at = at
}

const placeOf = (run: Run) => ({ project: run.project, pipeline: run.pipeline })
const newlines = (text: string) => text.split('\n').length - 1
