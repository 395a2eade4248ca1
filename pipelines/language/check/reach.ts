import { error, type Finding, keyAt, valueAt, warning } from '../diagnostic.ts'
import { type Job, lifecycleJobs, type LaneKind, type Pipeline } from '../pipeline.ts'
import { followsLane, isGit } from '../resource.ts'
import { stepsIn } from '../step.ts'
import { placeOf, type World } from './world.ts'

/**
 * What can start which job.
 *
 * A job that is filtered out counts as passed through, so a filter does not keep a lane from the jobs behind it. What does is a
 * `put`: the version that it would have made is missing there.
 */
export function reach(world: World): Finding[] {
  const { pipeline } = world
  const lanes = lanesOf(pipeline)
  return pipeline.jobs.flatMap((job) => [
    ...unreachable(job, world, lanes),
    ...(lanes.get(job.name)?.has('pull_request') ? untrusted(job, world) : []),
  ])
}

type Lanes = ReadonlyMap<string, ReadonlySet<LaneKind>>

const heard = ({ triggers, resources }: Pipeline): Set<LaneKind> =>
  new Set<LaneKind>([
    'manual',
    ...(triggers.push.length > 0 ? (['push'] as const) : []),
    ...(triggers.tag.length > 0 ? (['tag'] as const) : []),
    ...(triggers.pullRequest.branches.length > 0 ? (['pull_request'] as const) : []),
    ...(resources.some((resource) => resource.kind === 'time') ? (['schedule'] as const) : []),
  ])

/**
 * The kinds of lanes and starts on which each job can run: those its inputs arrive on, less those that its `when` leaves out.
 * Jobs that manage environments run where and when the environment is changed.
 */
function lanesOf(pipeline: Pipeline): Lanes {
  const managing = lifecycleJobs(pipeline.environments)
  const byName = new Map(pipeline.jobs.map((job) => [job.name, job]))
  const arriving = new Map<string, ReadonlySet<LaneKind>>()
  const runs = (job: Job) => new Set([...arrives(job)].filter((kind) => allows(job, kind)))
  const arrives = (job: Job): ReadonlySet<LaneKind> => {
    const known = arriving.get(job.name)
    if (known) return known
    arriving.set(job.name, heard(pipeline))
    const kinds = new Set(job.needs.length > 0 ? heard(pipeline) : kindsGot(job, pipeline))
    for (const { job: name } of job.needs) {
      const needed = byName.get(name)
      const handedOn = needed && (puts(needed) ? runs(needed) : arrives(needed))
      for (const kind of kinds) if (handedOn && !handedOn.has(kind) && kind !== 'manual') kinds.delete(kind)
    }
    arriving.set(job.name, kinds)
    return kinds
  }
  return new Map(
    pipeline.jobs.map((job) => [job.name, managing.has(job.name) ? new Set(['manual' as const]) : runs(job)]),
  )
}

/** The lanes on which what a job gets has versions. Only what follows the lane knows tags and pull requests. */
function kindsGot(job: Job, pipeline: Pipeline): ReadonlySet<LaneKind> {
  const all = heard(pipeline)
  const got = pipeline.resources.filter((resource) => job.gets.some((get) => get.resource === resource.name))
  const kinds = got.flatMap((resource): LaneKind[] => {
    if (resource.kind === 'time') return ['schedule']
    return isGit(resource) && followsLane(resource) ? ['push', 'tag', 'pull_request'] : ['push']
  })
  return new Set<LaneKind>(['manual', ...kinds.filter((kind) => kind === 'schedule' || all.has(kind))])
}

const allows = (job: Job, kind: LaneKind) => job.when === null || job.when.includes(kind)
const puts = (job: Job) => stepsIn(job).some((step) => step.kind === 'put')

function unreachable(job: Job, world: World, lanes: Lanes): Finding[] {
  const { pipeline } = world
  const missing = (job.when ?? []).filter((kind) => !heard(pipeline).has(kind))
  if (job.when && missing.length === job.when.length) {
    const words = job.when.map((kind) => `\`${kind}\``).join(' and ')
    const place = valueAt('jobs', job.name, 'when')
    return [
      error(
        'unreachable',
        place,
        `\`${job.name}\` can never run: nothing here makes a run of ${words}`,
        hintFor(missing[0]),
      ),
    ]
  }
  if (lanes.get(job.name)?.size === 0) {
    const message = `\`${job.name}\` can never run: what it needs never comes on the lanes that it runs for`
    return [
      error(
        'unreachable',
        keyAt('jobs', job.name),
        message,
        'compare its `when` with those of the jobs before it and with what it gets',
      ),
    ]
  }
  return lifecycleJobs(pipeline.environments).has(job.name) ? [] : byHandAlone(job, world)
}

const hintFor = (kind: LaneKind | undefined) =>
  kind === 'schedule'
    ? 'declare a resource such as `nightly: { time: "0 3 * * *" }` and `get` it'
    : `add it to \`triggers\``

function byHandAlone(job: Job, world: World): Finding[] {
  const edges = [...job.gets, ...job.needs]
  const quiet = edges.every((edge) => !edge.trigger)
  if (!quiet || (job.when?.length === 1 && job.when[0] === 'manual')) return []
  const message = `nothing starts \`${job.name}\` but a person: none of its edges triggers`
  return [warning('unreachable', placeOf(world, job), message, 'write `when: manual` if that is meant')]
}

function untrusted(job: Job, world: World): Finding[] {
  const hint = 'keep it from them with `when: push`, or take `pull_request` out of `triggers`'
  const reached = `pull requests can reach \`${job.name}\``
  const secrets =
    job.secrets.length > 0
      ? [
          error(
            'untrusted-secrets',
            keyAt('jobs', job.name, 'secrets'),
            `${reached}, and it holds secrets`,
            hint,
          ),
        ]
      : []
  const written = stepsIn(job)
    .filter((step) => step.kind === 'put')
    .map((step) =>
      error('untrusted-put', placeOf(world, step), `${reached}, and it puts \`${step.resource}\``, hint),
    )
  return [...secrets, ...written]
}
