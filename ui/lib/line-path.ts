import type { Job, Pipeline, Trace } from './api.ts'
import { type Edge, edgeKey, jobKey, resourceKey } from './line-shape.ts'
import { type RunLook, runLook, runWord, together } from './state-words.ts'

/** Where a node of the line is on the way of one version: it got there, it may still, or its way does not lead there. */
export type Stretch = 'reached' | 'ahead' | 'aside'

/** How far a version came at one node. */
export type Milestone = {
  readonly stretch: Stretch
  /** What it looks like there; null where no run has it. */
  readonly look: RunLook | null
  readonly run: { readonly id: number; readonly number: number } | null
  /** What it waits for there, or why it was not reached. */
  readonly why: string | null
  /** All of it in a few words: `#7 succeeded`, `not reached: waits for lint`. */
  readonly words: string
}

/** The way of a version through a line, by node; a node without one lies aside. */
export type LinePath = {
  readonly version: string
  readonly title: string | null
  readonly milestones: ReadonlyMap<string, Milestone>
  /** The puts on it, by the key of their edge: those that were made of the version, and those that may be made yet. */
  readonly puts: ReadonlyMap<string, 'went' | 'may'>
  /** How far it came in a sentence, for whoever sees no drawing. */
  readonly words: string
}

type Traced = Trace['lines'][number]
const ASIDE: Milestone = { stretch: 'aside', look: null, run: null, why: null, words: 'not on its way' }
export const milestoneAt = (path: LinePath, key: string): Milestone => path.milestones.get(key) ?? ASIDE

/** Whether the version went along an edge, may, or does not. */
export function courseOf(path: LinePath, edge: Pick<Edge, 'key' | 'from' | 'to' | 'by'>): Course {
  if (edge.by === 'put') return path.puts.get(edge.key) ?? 'aside'
  const [from, to] = [milestoneAt(path, edge.from), milestoneAt(path, edge.to)]
  if (from.stretch === 'aside' || to.stretch === 'aside') return 'aside'
  return to.stretch === 'reached' ? 'went' : 'may'
}
export type Course = 'went' | 'may' | 'aside'

/**
 * The way of a version through the line as it stands on one lane.
 *
 * It begins at the resource that it is a version of, leads to every job that takes it, by itself or through what it needs, and on
 * over what those jobs put, or may put yet.
 *
 * @returns Null where nothing of the version came to this line and lane.
 */
export function pathOf(trace: Trace, view: Pipeline): LinePath | null {
  const traced = trace.lines.find((line) => line.pipeline === view.name && line.lane === view.lane)
  if (!traced) return null
  const { begun, puts, jobs } = wayOf(view, traced)
  const milestones = new Map<string, Milestone>()
  for (const { name } of view.resources) {
    const milestone = begun.has(name) ? resourceMilestone(name === traced.resource) : null
    if (milestone) milestones.set(resourceKey(name), milestone)
  }
  for (const { resource, course } of puts)
    if (course === 'may' && !begun.has(resource)) milestones.set(resourceKey(resource), TO_COME)
  for (const job of jobs) milestones.set(jobKey(job.name), jobMilestone(job, traced))
  for (const { job, run } of traced.jobs) {
    const known = view.jobs.find(({ name }) => name === job)
    if (run && known) milestones.set(jobKey(job), jobMilestone(known, traced))
  }
  const courses = puts.map(
    (put) => [edgeKey(jobKey(put.job), resourceKey(put.resource)), put.course] as const,
  )
  const { version, title } = trace
  return { version, title, milestones, puts: new Map(courses), words: howFar(view, milestones) }
}

const resourceMilestone = (isFirst: boolean): Milestone => ({
  ...{ stretch: 'reached', look: null, run: null, why: null },
  words: isFirst ? 'its way begins here' : 'has what came of it',
})
const TO_COME: Milestone = {
  ...{ stretch: 'ahead', look: null, run: null, why: null },
  words: 'nothing came of it yet',
}

type Put = { readonly job: string; readonly resource: string; readonly course: 'went' | 'may' }

/** The resources that have it or what came of it, the jobs that take those by themselves or through what they need, and their puts. */
function wayOf(view: Pipeline, traced: Traced) {
  const made = traced.jobs.flatMap(({ job, run, legs }) =>
    [run, ...legs].flatMap((one) => one?.outputs ?? []).map(({ resource }) => ({ job, resource })),
  )
  const begun = new Set([traced.resource, ...made.map(({ resource }) => resource)])
  const resources = new Set(begun)
  const jobs = new Set<Job>()
  const names = new Set<string>()
  let before = -1
  while (jobs.size > before) {
    before = jobs.size
    for (const job of view.jobs) {
      const takes = job.gets.some((get) => resources.has(get.resource))
      if (jobs.has(job) || !(takes || job.needs.some((need) => names.has(need.job)))) continue
      jobs.add(job)
      names.add(job.name)
      if (mayPut(job, traced)) for (const resource of job.puts) resources.add(resource)
    }
  }
  const isMade = (job: Job, resource: string) =>
    made.some((one) => one.job === job.name && one.resource === resource)
  const puts = view.jobs.flatMap((job) =>
    job.puts.flatMap((resource): Put[] => {
      if (isMade(job, resource)) return [{ job: job.name, resource, course: 'went' }]
      return jobs.has(job) && mayPut(job, traced) ? [{ job: job.name, resource, course: 'may' }] : []
    }),
  )
  return { begun, puts, jobs: view.jobs.filter((job) => jobs.has(job)) }
}

/** A job that came through has put what it puts; one that did not may, now or when it is tried again. */
function mayPut({ name }: Job, traced: Traced): boolean {
  const at = traced.jobs.find(({ job }) => job === name)
  const runs = at && at.legs.length > 0 ? at.legs : [at?.run]
  return runs.some((run) => run?.state !== 'succeeded' && run?.state !== 'skipped')
}

/** In this order: a matrix is what the first of these is that one of its legs is. */
const TOGETHER: readonly RunLook[] = [
  ...(['running', 'waiting', 'queued', 'failed', 'errored', 'cancelled'] as const),
  ...(['allowed', 'flawed', 'succeeded', 'skipped'] as const),
]

function jobMilestone(job: Job, traced: Traced): Milestone {
  const at = traced.jobs.find((one) => one.job === job.name)
  const run = at?.run ?? null
  if (!run) {
    const why = whyNot(job, traced)
    return { stretch: 'ahead', look: null, run: null, why, words: `not reached: ${why}` }
  }
  const legs = at?.legs ?? []
  const look = together((legs.length > 0 ? legs : [run]).map(runLook), TOGETHER) ?? runLook(run)
  const held = run.held === null ? '' : `: ${run.held}`
  return {
    ...{ stretch: 'reached', look, run: { id: run.id, number: run.number }, why: run.held },
    words: `#${run.number} ${runWord(look)}${held}`,
  }
}

/** What a line waits with is said of its newest versions; an older one was overtaken. */
function whyNot(job: Job, traced: Traced): string {
  if (traced.disabled) return 'the version is disabled'
  if (traced.left) return 'a force-push left it behind'
  if (!traced.newest) return 'a newer version is on the lane'
  return job.waiting ?? 'nothing has started it yet'
}

function howFar(view: Pipeline, milestones: ReadonlyMap<string, Milestone>): string {
  const jobs = view.jobs.flatMap(({ name }) => {
    const milestone = milestones.get(jobKey(name))
    return milestone ? [{ name, ...milestone }] : []
  })
  const reached = jobs.filter(({ stretch }) => stretch === 'reached')
  const named = (looks: readonly RunLook[]) =>
    reached.filter(({ look }) => look !== null && looks.includes(look)).map(({ name }) => name)
  const said = [
    ['stopped at', named(['failed', 'errored', 'cancelled'])],
    ['under way in', named(['running', 'waiting', 'queued'])],
  ] as const
  const parts = said.flatMap(([words, names]) => (names.length > 0 ? [`${words} ${names.join(', ')}`] : []))
  return [`It reached ${reached.length} of ${jobs.length} jobs on its way`, ...parts].join('; ')
}
