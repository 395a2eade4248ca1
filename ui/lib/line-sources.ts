import type { TaktEvent } from '#pipelines/wire/events.ts'
import {
  api,
  type Answer,
  type JobAt,
  type LineAt,
  type Pipeline,
  type ResourceAt,
  type Runs,
  type RunSummary,
  type Versions,
  type Why,
} from './api.ts'
import { legsOf } from './legs.ts'
import type { SnapshotOptions } from './snapshot.svelte.ts'

/** A line, and of each job that ran as a matrix the newest run of every leg. */
export type LineView = Pipeline & { readonly legs: Readonly<Record<string, readonly RunSummary[]>> }

/** One line on one lane, and which events make it old. */
export const followLine = (at: LineAt): SnapshotOptions<LineView> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => lineWithLegs(at, signal),
  concerns: (event, view) =>
    isHere(event, at) && (!('lane' in event) || event.lane === view.lane || changesLanes(event, view)),
  apply: (view, event) =>
    event.kind === 'run.moved'
      ? {
          ...view,
          jobs: view.jobs.map((job) =>
            job.last_run ? { ...job, last_run: moved(job.last_run, event) } : job,
          ),
          legs: Object.fromEntries(
            Object.entries(view.legs).map(([job, runs]) => [job, runs.map((run) => moved(run, event))]),
          ),
        }
      : view,
})

/** Legs come from the runs of their jobs: the line itself tells only the newest run of each job. */
async function lineWithLegs(at: LineAt, signal: AbortSignal): Promise<Answer<LineView>> {
  const { body: view, cursor } = await api.pipeline(at, signal)
  const split = view.jobs.flatMap(({ name, last_run }) =>
    last_run && last_run.batch !== null ? [{ name, batch: last_run.batch }] : [],
  )
  const legs = await Promise.all(
    split.map(async ({ name, batch }) => {
      const { body } = await api.runs({ ...at, lane: view.lane, job: name, limit: MOST_LEGS }, signal)
      return [name, legsOf(body.items, batch)] as const
    }),
  )
  return { body: { ...view, legs: Object.fromEntries(legs) }, cursor }
}
const MOST_LEGS = 200

/** Why a job does not run, and what became of what could have started it. */
export const followWhy = (at: JobAt): SnapshotOptions<Why> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.why(at, signal),
  concerns: (event) => isHere(event, at) && isOnLane(event, at),
})

/** The newest versions of a resource on a lane. */
export const followVersions = (at: ResourceAt, limit: number): SnapshotOptions<Versions> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.versions(at, limit, signal),
  concerns: (event) => isHere(event, at) && event.kind !== 'run.moved',
})

const isOnLane = (event: TaktEvent, { lane }: LineAt): boolean =>
  lane === null || !('lane' in event) || event.lane === lane

/** The newest runs of a line's lane; `limit` is asked anew each time. */
export const followRuns = (at: LineAt, limit: () => number): SnapshotOptions<Runs> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.runs({ ...at, limit: limit() }, signal),
  concerns: (event) =>
    event.kind === 'run.moved' && isHere(event, at) && (at.lane === null || event.lane === at.lane),
  apply: (runs, event) =>
    event.kind === 'run.moved' ? { ...runs, items: runs.items.map((run) => moved(run, event)) } : runs,
})

const LINE_EVENTS: readonly TaktEvent['kind'][] = [
  'run.moved',
  'job.planned',
  'version.recorded',
  'revision.synced',
  'lane.closed',
]

const isHere = (event: TaktEvent, at: LineAt): boolean =>
  LINE_EVENTS.includes(event.kind) &&
  'pipeline' in event &&
  event.project === at.project &&
  event.pipeline === at.pipeline

/** An event of another lane matters only where it makes or ends one. */
const changesLanes = (event: TaktEvent, view: Pipeline): boolean =>
  'lane' in event && (event.kind === 'lane.closed' || !view.lanes.some((lane) => lane.name === event.lane))

/** A run as it looks right after a move, until the server tells the rest; its clock starts here and now. */
export function moved(run: RunSummary, event: TaktEvent): RunSummary {
  if (event.kind !== 'run.moved' || event.run !== run.id) return run
  const startedAt = event.to === 'running' ? (run.started_at ?? new Date().toISOString()) : run.started_at
  return { ...run, state: event.to, started_at: startedAt }
}
