import { type Cron, parseCron } from '../language/cron.ts'
import { parseDuration } from '../language/duration.ts'
import type { Job, Pipeline } from '../language/pipeline.ts'
import type { Resource } from '../language/resource.ts'
import { stepsIn } from '../language/step.ts'
import { secretNames } from '../plan/secrets-in.ts'
import { allPlanSteps, HOOKS, type Plan } from '../wire/plan.ts'
import { fullImageName } from './image-name.ts'

/** Something that policies speak of, and whose it is in words: of the job `test`. */
export type Subject = { readonly of: string } & (
  | { readonly what: 'image' | 'host' | 'label' | 'secret'; readonly value: string }
  | {
      readonly what: 'run_time_over' | 'keep_over' | 'schedule_under'
      readonly value: string
      readonly ms: number
    }
)

/** Everything that policies speak of in a file, as far as the file says it: what is interpolated is known when a run begins. */
export const subjectsOf = (pipeline: Pipeline): Subject[] =>
  [
    ...pipeline.jobs.flatMap((job) => jobSubjects(job, pipeline)),
    ...pipeline.resources.flatMap(resourceSubjects),
    ...pipeline.resourceTypes.map(({ name, image }) =>
      named('image', image, `the resource type \`${name}\``),
    ),
  ].filter(({ value }) => !value.includes('$('))

/** The same for one run: its job and what that touches, with the images that its plan came to. */
export function subjectsOfRun(job: Job, pipeline: Pipeline, plan: Plan): Subject[] {
  const steps = stepsIn(job).flatMap((step) =>
    step.kind === 'get' || step.kind === 'put' ? [step.resource] : [],
  )
  const touched = new Set([...job.gets.map(({ resource }) => resource), ...steps])
  const of = `the job \`${job.name}\``
  return [
    ...jobSubjects(job, pipeline).filter(({ what, value }) => what !== 'image' && !value.includes('$(')),
    ...pipeline.resources.filter(({ name }) => touched.has(name)).flatMap(resourceSubjects),
    ...imagesIn(plan).map((image) => named('image', image, of)),
  ]
}

function jobSubjects(job: Job, pipeline: Pipeline): Subject[] {
  const of = `the job \`${job.name}\``
  const images = [
    job.image,
    ...stepsIn(job).map(({ image }) => image),
    ...job.services.map(({ image }) => image),
  ]
  return [...new Set(images.filter((image) => image !== null))]
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
      return []
  }
}

function imagesIn(plan: Plan): string[] {
  const steps = allPlanSteps([...plan.steps, ...HOOKS.flatMap((hook) => plan.hooks[hook])])
  const custom = [
    ...plan.gets.flatMap((get) => (get.kind === 'custom' ? [get.image] : [])),
    ...steps.flatMap((step) => {
      if (step.kind === 'get') return step.get.kind === 'custom' ? [step.get.image] : []
      return step.kind === 'put' && step.put.kind === 'custom' ? [step.put.image] : []
    }),
  ]
  const own = [plan.image, ...steps.map(({ image }) => image)].filter((image) => image !== null)
  return [...new Set([...own, ...plan.services.map(({ image }) => image), ...custom])]
}

const named = (what: 'image' | 'host' | 'label' | 'secret', value: string, of: string): Subject => ({
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
