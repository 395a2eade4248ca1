import { matchesGlob } from '#pipelines/language/glob.ts'
import type { Job } from '#pipelines/language/pipeline.ts'
import type { Decision, DueRun } from '#pipelines/plan/facts.ts'
import { allSets, type Moment, newestOf, offered, standing } from './oracle-sets.ts'
import {
  type AgreedSet,
  endedBadly,
  idsOf,
  isActive,
  isOn,
  jobOn,
  jobsBefore,
  modeOf,
  type OnJob,
  refused,
  takenAfter,
  takenBy,
} from './oracle-world.ts'
import type { Place, TinyEnding, TinyTrigger, TinyWorld } from './tiny-world.ts'

/**
 * The meaning of the planner, by brute force: every combination of endings is tried, for every trigger, over everything the
 * world knows. Written from the rules, slow and plain; it shares nothing with the planner but the edges of the file.
 */
export function mismatch(world: TinyWorld, on: Place, decision: Decision): string | null {
  const job = jobOn(world, on)
  const open = world.triggers
    .filter((each) => isOn(each.on, on) && (each.fate === 'new' || each.fate === 'gathered'))
    .toSorted((a, b) => a.id - b.id)
  let taken = takenBy(world, on)
  const used = new Set(world.runs.filter((run) => isOn(run, on)).flatMap((run) => idsOf(run.inputs)))
  const runs = [...decision.runs]
  const strict: TinyTrigger[] = []
  for (const trigger of open) {
    if (modeOf(job, trigger) === 'strict' && !refused(world, job, trigger)) {
      strict.push(trigger)
      continue
    }
    const expected = expectedOf(world, job, { trigger, taken, used })
    const actual = runs[0]?.triggers[0] === trigger.id ? runs.shift()! : null
    const wrong = compared(job, expected, { actual, fate: fateOf(decision, trigger) })
    if (wrong) return `trigger ${trigger.id}: ${wrong}`
    for (const input of actual?.inputs ?? []) used.add(input.version.id)
    if (actual?.advances) taken = takenAfter(actual)
  }
  if (strict.length === 0) return runs.length === 0 ? null : 'a run that no trigger stands for'
  const expected = expectedStrict(world, job, {
    trigger: strict.length === 1 ? strict[0]! : null,
    taken,
    used,
    strict,
  })
  const actual = runs.shift() ?? null
  if (actual && actual.triggers.join() !== strict.map(({ id }) => id).join())
    return 'a strict run holds all that is gathered'
  for (const trigger of strict) {
    const wrong = compared(job, expected, { actual, fate: fateOf(decision, trigger) })
    if (wrong) return `strict ${trigger.id}: ${wrong}`
  }
  return runs.length === 0 ? null : 'a run that no trigger stands for'
}

type Expected =
  { fate: 'no-run' | 'gathered' } | { fate: 'run'; sets: AgreedSet[]; advances: boolean; isSkipped: boolean }

const fateOf = (decision: Decision, trigger: TinyTrigger) =>
  decision.fates.find((each) => each.trigger === trigger.id)?.fate ?? 'run'

function expectedOf(world: TinyWorld, job: OnJob, moment: Moment & { trigger: TinyTrigger }): Expected {
  const { trigger, taken } = moment
  if (refused(world, job, trigger)) return { fate: 'no-run' }
  const mode = modeOf(job, trigger)
  if (mode === 'immediate') {
    const set = offered(job, trigger, taken)
    if (!set) return { fate: 'no-run' }
    const { isOlder, isEvery } = standing(job, set, moment)
    return due(world, job, { sets: [set], advances: !isOlder && !isEvery, triggers: [trigger] })
  }
  if (mode === 'chrono' && job.needs.some(endedBadly)) return { fate: 'no-run' }
  const sets = allSets(job, taken, trigger.kind === 'version' ? trigger : null).filter((set) => {
    if (trigger.kind === 'version') return set.versions[trigger.resource]?.id === trigger.version.id
    if (trigger.kind === 'changed') return true
    return (set.joined[trigger.job] ?? set.loose[trigger.job])?.id === trigger.ending.id
  })
  const best = newestOf(sets)
  if (!best[0]) return { fate: 'no-run' }
  const { isNewer, isOlder, isEvery, isSame } = standing(job, best[0], moment)
  const isTaken = isNewer || isEvery || (mode === 'chrono' && (isSame || !isOlder))
  if (!isTaken) return { fate: 'no-run' }
  return due(world, job, {
    sets: best,
    advances: isNewer || (!isEvery && mode === 'chrono'),
    triggers: [trigger],
  })
}

function expectedStrict(world: TinyWorld, job: OnJob, moment: Moment & { strict: TinyTrigger[] }): Expected {
  const { on } = job
  const upstream = jobsBefore(world, on.job)
  if (isActive(world, on.lane, upstream)) return { fate: 'gathered' }
  const isBad = job.needs.some((need) => world.paused.has(need.job) || !need.newest || endedBadly(need))
  const isProducerBad = job.edges.producers.some((each) => {
    if (world.paused.has(each.job)) return true
    const newest = world.runs.findLast((run) => isOn(run, { job: each.job, lane: on.lane }))
    if (newest) return newest.state === 'failed' || newest.state === 'cancelled'
    return !job.inputs.find((input) => input.resource === each.resource)!.newest
  })
  if (isBad || isProducerBad) return { fate: 'no-run' }
  const best = newestOf(allSets(job, moment.taken, null))
  if (!best[0]) return { fate: 'no-run' }
  const { isNewer, isEvery } = standing(job, best[0], moment)
  if (!isNewer && !isEvery) return { fate: 'no-run' }
  return due(world, job, { sets: best, advances: isNewer, triggers: moment.strict })
}

type Due = { sets: AgreedSet[]; advances: boolean; triggers: TinyTrigger[] }

/** Filters: `when`, then `if`, then `paths`. Every one of the sets has the same versions as far as they are asked about. */
function due(world: TinyWorld, { job, inputs, on }: OnJob, { sets, advances, triggers }: Due): Expected {
  const known = (id: number) => world.versions.find((each) => each.id === id)!
  const kinds = triggers.map((trigger) =>
    trigger.kind === 'version' &&
    inputs.some((each) => each.kind === 'time' && each.resource === trigger.resource)
      ? 'schedule'
      : world.lanes.find((lane) => lane.name === on.lane)!.kind,
  )
  const { versions } = sets[0]!
  const byWhen = job.when !== null && !kinds.some((kind) => job.when!.includes(kind))
  const byIf = job.if !== null && known(versions['src']!.id).fields['branch'] !== 'main'
  const git = inputs.find((input) => input.kind === 'git' && versions[input.resource])
  const changed = git ? known(versions[git.resource]!.id).changed : null
  const byPaths = changed !== null && job.paths.length > 0 && !changed.some((path) => touches(job, path))
  return { fate: 'run', sets, advances, isSkipped: byWhen || byIf || byPaths }
}

const touches = ({ paths }: Job, path: string) =>
  paths.some((each) => !each.startsWith('!') && matchesGlob(path, each)) &&
  !paths.some((each) => each.startsWith('!') && matchesGlob(path, each.slice(1)))

type Answer = { actual: DueRun | null; fate: string }

function compared(job: OnJob, expected: Expected, { actual, fate }: Answer): string | null {
  if (expected.fate !== 'run')
    return !actual && fate === expected.fate ? null : `expected ${expected.fate}, not ${fate}`
  if (!actual) return `expected a run, not ${fate}`
  const got = actual.inputs
    .map(({ resource, version }) => `${resource}:${version.id}`)
    .toSorted()
    .join()
  const wanted = expected.sets.map(({ versions }) =>
    Object.entries(versions)
      .map(([resource, { id }]) => `${resource}:${id}`)
      .toSorted()
      .join(),
  )
  if (!wanted.includes(got)) return `expected ${[...new Set(wanted)].join(' or ')}, not ${got}`
  if (expected.advances !== actual.advances) return `expected advances to be ${expected.advances}`
  if (expected.isSkipped !== (actual.skip !== null))
    return `expected ${expected.isSkipped ? 'to pass' : 'to run'}`
  return wrongNeeds(job, expected.sets, actual)
}

/** Each need's run is that of an agreed set, and of runs that held the same versions the newest. */
function wrongNeeds(job: OnJob, sets: AgreedSet[], { upstreams, triggers }: DueRun): string | null {
  if (sets.every(({ joined, loose }) => Object.keys({ ...joined, ...loose }).length === 0)) return null
  const isOneOf = sets.some((set) =>
    [...Object.entries(set.joined), ...Object.entries(set.loose)].every(([name, ending]) =>
      upstreams.some((each) => each.job === name && each.run === ending.run),
    ),
  )
  if (!isOneOf) return 'expected other runs to have satisfied the needs'
  const held = (ending: TinyEnding) => job.inputs.map((input) => ending.versions[input.resource]?.id).join()
  const isStale = job.needs.some((need) => {
    const run = upstreams.find((each) => each.job === need.job)?.run
    const ending = need.endings.find((each) => each.run === run)!
    const isGiven = job.given.some(
      (id) => triggers.some((trigger) => trigger === id.trigger) && id.run === run,
    )
    return !isGiven && need.endings.some((each) => each.run > run! && held(each) === held(ending))
  })
  return isStale ? 'expected the newest of the runs with the same versions' : null
}
