import { type Cron, parseCron } from '../language/cron.ts'
import { parseDuration } from '../language/duration.ts'
import type { Job, Pipeline } from '../language/pipeline.ts'
import type { Resource } from '../language/resource.ts'
import { stepsIn } from '../language/step.ts'
import { touchedBy } from '../plan/edges.ts'
import { secretNames } from '../plan/secrets-in.ts'
import { allPlanSteps, HOOKS, type Plan } from '../wire/plan.ts'
import { fullImageName } from './image-name.ts'

/** Something that policies speak of, and whose it is in words: of the job `test`. */
export type Subject = { readonly of: string } & (
  | { readonly what: 'image' | 'privileged' | 'host' | 'label' | 'secret'; readonly value: string }
  | {
      readonly what: 'run_time_over' | 'keep_over' | 'schedule_under'
      readonly value: string
      readonly ms: number
    }
)

/** The images that operators of runners let run with all powers of root, each by its digest; none on the lanes of pull requests. */
export type Powerful = readonly string[]

/** Everything that policies speak of in a file, as far as the file says it: what is interpolated is known when a run begins. */
export const subjectsOf = (pipeline: Pipeline, powerful: Powerful = []): Subject[] =>
  [
    ...pipeline.jobs.flatMap((job) => jobSubjects(job, pipeline)),
    ...pipeline.jobs.flatMap((job) => privilegedIn(jobImages(job), { powerful, of: ofJob(job) })),
    ...pipeline.resources.flatMap(resourceSubjects),
    ...pipeline.resourceTypes.map(({ name, image }) =>
      named('image', image, `the resource type \`${name}\``),
    ),
  ].filter(({ value }) => !value.includes('$('))

type RunFacts = {
  readonly plan: Plan
  readonly powerful: Powerful
  /** What the run asked of its runner, with everything that was interpolated. */
  readonly labels: readonly string[]
}

/** The same for one run: its job and what that touches, with the images and the labels that it came to. */
export function subjectsOfRun(job: Job, pipeline: Pipeline, { plan, powerful, labels }: RunFacts): Subject[] {
  const touched = touchedBy(job)
  const of = ofJob(job)
  return [
    ...privilegedIn(containersIn(plan), { powerful, of }),
    ...jobSubjects(job, pipeline).filter(({ what }) => what !== 'image' && what !== 'label'),
    ...labels.map((label) => named('label', label, of)),
    ...pipeline.resources.filter(({ name }) => touched.has(name)).flatMap(resourceSubjects),
    ...imagesIn(plan).map((image) => named('image', image, of)),
  ]
}

const ofJob = (job: Pick<Job, 'name'>) => `the job \`${job.name}\``

const jobImages = (job: Job): string[] =>
  [job.image, ...stepsIn(job).map(({ image }) => image), ...job.services.map(({ image }) => image)].filter(
    (image) => image !== null,
  )

const privilegedIn = (
  images: readonly string[],
  { powerful, of }: { readonly powerful: Powerful; readonly of: string },
): Subject[] =>
  [...new Set(images)]
    .filter((image) => powerful.includes(image))
    .map((image) => named('privileged', image, of))

function jobSubjects(job: Job, pipeline: Pipeline): Subject[] {
  const of = ofJob(job)
  return [...new Set(jobImages(job))]
    .map((image) => named('image', image, of))
    .concat(
      job.runsOn.map((label) => named('label', label, of)),
      secretNames(job, pipeline).map((name) => named('secret', name, of)),
      [measured('run_time_over', job.timeoutMs, of)],
      job.keep ? [measured('keep_over', job.keep.forMs, of)] : [],
    )
}

function resourceSubjects(resource: Resource): Subject[] {
  const of = `the resource \`${resource.name}\``
  switch (resource.kind) {
    case 'git':
      return resource.repository === '.'
        ? []
        : hostOf(resource.repository).map((host) => named('host', host, of))
    case 'registry':
      return [named('host', fullImageName(resource.repository).split('/')[0] ?? '', of)]
    case 'time': {
      const ms = intervalOf(resource.schedule)
      return ms === null ? [] : [measured('schedule_under', ms, of)]
    }
    case 'files':
      return resource.keepMs === null ? [] : [measured('keep_over', resource.keepMs, of)]
    case 'custom':
    case 'event':
    case 'params':
    case 'semver':
    case 'state':
    case 'upstream':
      return []
  }
}

const stepsOf = (plan: Plan) => allPlanSteps([...plan.steps, ...HOOKS.flatMap((hook) => plan.hooks[hook])])

/** The secrets that a run is about to be given besides those that its file names. */
export const secretsOf = (job: Pick<Job, 'name'>, names: readonly string[]): Subject[] =>
  names.map((name) => named('secret', name, ofJob(job)))

/** The images in whose containers commands and services of a run live. */
const containersIn = (plan: Plan): string[] => [
  ...[plan.image, ...stepsOf(plan).map(({ image }) => image)].filter((image) => image !== null),
  ...plan.services.map(({ image }) => image),
]

function imagesIn(plan: Plan): string[] {
  const custom = [
    ...plan.gets.flatMap((get) => (get.kind === 'custom' ? [get.image] : [])),
    ...stepsOf(plan).flatMap((step) => {
      if (step.kind === 'get') return step.get.kind === 'custom' ? [step.get.image] : []
      return step.kind === 'put' && step.put.kind === 'custom' ? [step.put.image] : []
    }),
  ]
  return [...new Set([...containersIn(plan), ...custom])]
}

const named = (
  what: 'image' | 'privileged' | 'host' | 'label' | 'secret',
  value: string,
  of: string,
): Subject => ({
  what,
  value,
  of,
})

const measured = (
  what: 'run_time_over' | 'keep_over' | 'schedule_under',
  ms: number,
  of: string,
): Subject => ({
  what,
  ms,
  of,
  value: span(ms),
})

function span(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const)
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  return `${Math.round(ms / 1_000)}s`
}

function hostOf(address: string): string[] {
  return URL.canParse(address) ? [new URL(address).hostname.toLowerCase()] : []
}

/** The shortest time between two moments of a schedule; null where it cannot be read, which the validator says. */
export function intervalOf(schedule: string): number | null {
  const every = parseDuration(schedule)
  if (every !== null) return every
  const cron = parseCron(schedule)
  return 'problem' in cron ? null : shortest(cron)
}

/** Within an hour, else from one hour to the next one, else a day or more. */
function shortest({ minutes, hours }: Cron): number {
  const [first = 0] = minutes
  const last = minutes.at(-1) ?? first
  const gaps = minutes.slice(1).map((minute, at) => minute - (minutes[at] ?? 0))
  const hourGaps = [
    ...hours.slice(1).map((hour, at) => hour - (hours[at] ?? 0)),
    (hours[0] ?? 0) + 24 - (hours.at(-1) ?? 0),
  ]
  const toNext = Math.min(...hourGaps) * 60 - (last - first)
  return Math.min(...gaps, toNext) * 60_000
}
