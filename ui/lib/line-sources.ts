import { isFinal } from '#pipelines/states.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import {
  api,
  type Job,
  type JobAt,
  type JobTests,
  type JobTestsAt,
  type Leg,
  type LineAt,
  type Pipeline,
  type ResourceAt,
  type Runs,
  type Versions,
  type Why,
} from './api.ts'
import { keepSame } from './keep-same.ts'
import type { SnapshotOptions } from './snapshot.svelte.ts'

/** One line on one lane, and which events make it old. */
export const followLine = (at: LineAt): SnapshotOptions<Pipeline> => ({
  topic: { of: 'project', project: at.project },
  take: async (signal, since) => {
    const { body, cursor } = await api.pipeline(at, signal)
    return { cursor, body: since ? sameLine(since.value, body) : body }
  },
  concerns: (event, view) =>
    isHere(event, at) && (!('lane' in event) || event.lane === view.lane || changesLanes(event, view)),
  apply: (view, event) =>
    event.kind !== 'run.moved'
      ? view
      : {
          ...view,
          jobs: view.jobs.map((job) => (job.name === event.job ? movedIn(job, event) : job)),
        },
})

const movedIn = (job: Job, event: TaktEvent): Job => ({
  ...job,
  last_run: job.last_run && moved(job.last_run, event),
  legs: job.legs.map((leg) => moved(leg, event)),
})

/** A line of which only a few nodes have changed is drawn anew only there. */
const sameLine = (before: Pipeline, after: Pipeline): Pipeline => ({
  ...after,
  jobs: [...keepSame(before.jobs, after.jobs)],
  resources: [...keepSame(before.resources, after.resources)],
})

/** Why a job does not run, and what became of what could have started it. */
export const followWhy = (at: JobAt): SnapshotOptions<Why> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.why(at, signal),
  concerns: (event) => isHere(event, at) && isOnLane(event, at),
})

/** How a job's tests came out; a run that has ended may have told of more. */
export const followJobTests = (at: JobTestsAt): SnapshotOptions<JobTests> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.jobTests(at, signal),
  concerns: (event) =>
    event.kind === 'run.moved' &&
    isFinal(event.to) &&
    isHere(event, { ...at, lane: null }) &&
    event.job === at.job,
})

/** The newest versions of a resource on a lane. */
export const followVersions = (at: ResourceAt, limit: number): SnapshotOptions<Versions> => ({
  topic: { of: 'project', project: at.project },
  take: (signal) => api.versions(at, limit, signal),
  concerns: (event) => isHere(event, at) && event.kind !== 'run.moved' && event.kind !== 'resource.checked',
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
  'pause.changed',
  'resource.checked',
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
export function moved<Run extends Leg>(run: Run, event: TaktEvent): Run {
  if (event.kind !== 'run.moved' || event.run !== run.id) return run
  const startedAt = event.to === 'running' ? (run.started_at ?? new Date().toISOString()) : run.started_at
  const isAllowed = event.to === 'failed' && run.allow_failure
  return { ...run, state: event.to, allowed: isAllowed, started_at: startedAt }
}
