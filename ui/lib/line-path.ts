import type { Job, Pipeline, Trace } from './api.ts'
import { jobKey, resourceKey } from './line-shape.ts'
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
  /** How far it came in a sentence, for whoever sees no drawing. */
  readonly words: string
}

type Traced = Trace['lines'][number]
const ASIDE: Milestone = { stretch: 'aside', look: null, run: null, why: null, words: 'not on its way' }
export const milestoneAt = (path: LinePath, key: string): Milestone => path.milestones.get(key) ?? ASIDE

/**
 * The way of a version through the line as it stands on one lane.
 *
 * It begins at the resource that it is a version of, leads to every job that takes it, by itself or through what it needs, and on
 * over what those jobs put.
 *
 * @returns Null where nothing of the version came to this line and lane.
 */
export function pathOf(trace: Trace, view: Pipeline): LinePath | null {
  const traced = trace.lines.find((line) => line.pipeline === view.name && line.lane === view.lane)
  if (!traced) return null
  const milestones = new Map<string, Milestone>()
  const resources = waysOf(view, traced)
  for (const resource of resources)
    milestones.set(resourceKey(resource), {
      stretch: 'reached',
      look: null,
      run: null,
      why: null,
      words: resource === traced.resource ? 'its way begins here' : 'has what came of it',
    })
  for (const job of jobsBehind(view, resources)) milestones.set(jobKey(job.name), jobMilestone(job, traced))
  for (const { job, run } of traced.jobs) {
    const known = view.jobs.find(({ name }) => name === job)
    if (run && known) milestones.set(jobKey(job), jobMilestone(known, traced))
  }
  return { version: trace.version, title: trace.title, milestones, words: howFar(view, milestones) }
}

/** The resource that it is a version of, and those that its runs put a version of. */
function waysOf(view: Pipeline, traced: Traced): string[] {
  const put = traced.jobs.flatMap(({ run, legs }) => [run, ...legs].flatMap((one) => one?.outputs ?? []))
  const names = new Set([traced.resource, ...put.map(({ resource }) => resource)])
  return view.resources.map(({ name }) => name).filter((name) => names.has(name))
}

/** The jobs that take versions of these, by themselves or through what they need. */
function jobsBehind({ jobs }: Pipeline, resources: readonly string[]): Job[] {
  const behind = new Set<string>()
  let before = -1
  while (behind.size > before) {
    before = behind.size
    for (const { name, gets, needs } of jobs)
      if (gets.some((get) => resources.includes(get.resource)) || needs.some((need) => behind.has(need.job)))
        behind.add(name)
  }
  return jobs.filter(({ name }) => behind.has(name))
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
