import type { TaktEvent } from '#pipelines/wire/events.ts'
import { api, type Pipeline, type Runs, type RunSummary } from './api.ts'
import type { SnapshotOptions } from './snapshot.svelte.ts'

type At = { readonly project: string; readonly pipeline: string; readonly lane: string | null }

/** One line on one lane, and which events make it old. */
export const followLine = (at: At): SnapshotOptions<Pipeline> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.pipeline(at, signal),
  concerns: (event, view) =>
    isHere(event, at) && (!('lane' in event) || event.lane === view.lane || changesLanes(event, view)),
  apply: (view, event) =>
    event.kind === 'run.moved'
      ? {
          ...view,
          jobs: view.jobs.map((job) =>
            job.last_run ? { ...job, last_run: moved(job.last_run, event) } : job,
          ),
        }
      : view,
})

/** The newest runs of a line's lane; `limit` is asked anew each time. */
export const followRuns = (at: At, limit: () => number): SnapshotOptions<Runs> => ({
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

const isHere = (event: TaktEvent, at: At): boolean =>
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
