import type { RunId, VersionId } from '../ids.ts'
import type { StartMode } from '../language/pipeline.ts'
import type { Decision, DueRun, Facts, Fate, Trigger } from './facts.ts'
import { lacking, missingVersion } from './lacking.ts'
import { type Standing, standingOf, type Taken } from './newer.ts'
import { type Fixed, type InputSet, newestSet, NOTHING_FIXED } from './newest-set.ts'
import { newestOffered } from './offered.ts'
import { passing } from './pass-through.ts'
import { runReason } from './reasons.ts'
import { refusalOf } from './refusal.ts'
import { endedBadly, hindrances, upstreamWaits } from './strict.ts'
import { inWords } from './words.ts'

/**
 * Which runs of a job are due on a lane, and what became of every trigger that started none.
 *
 * Triggers are settled in the order in which they came. Each stands for one new fact, and what may come of it is a run with the
 * newest agreed set that contains the fact (a natural join of the needed jobs' endings, with the newest of what the job gets
 * itself): a late or repeated success of an old commit never moves a lane backwards, and a fact that is nowhere in the newest
 * set is not lost but told. How eagerly a run comes of it, the edge's start mode says; those of a `strict` job are taken
 * together at the end.
 *
 * Pure: the caller brings the facts, so that a puzzling decision can be replayed.
 */
export function decide(facts: Facts): Decision {
  const { paused } = facts
  const triggers = facts.triggers.toSorted((a, b) => a.id - b.id)
  const look: Look = { facts, ...begin(facts), runs: [], fates: [] }
  const gathered: Trigger[] = []
  for (const trigger of triggers) {
    const refusal = paused ?? refusalOf(facts, trigger)
    const mode = modeOf(facts, trigger)
    if (refusal !== null) refuse(look, [trigger], refusal)
    else if (mode === 'strict') gathered.push(trigger)
    else settleOne(look, trigger, mode)
  }
  if (gathered.length > 0) settleStrict(look, gathered)
  return { runs: look.runs, fates: look.fates.toSorted((a, b) => a.trigger - b.trigger) }
}

/** One look at a job: what it has taken changes with each run that is decided on. */
type Look = {
  readonly facts: Facts
  readonly used: Set<VersionId>
  taken: Taken | null
  readonly runs: DueRun[]
  readonly fates: Fate[]
}

const begin = ({ taken, used }: Facts) => ({
  taken: taken && { seqs: taken.seqs, runs: taken.runs, words: `run ${taken.run}` },
  used: new Set(used),
})

function modeOf({ job, inputs, needs }: Facts, trigger: Trigger): StartMode {
  switch (trigger.kind) {
    case 'version':
      return inputs.find(({ resource }) => resource === trigger.resource)?.get?.start ?? job.start
    case 'ending':
      return needs.find((need) => need.job === trigger.job)?.start ?? job.start
    case 'changed':
      return job.start === 'strict' ? 'strict' : 'settled'
  }
}

function fixedBy(trigger: Trigger): Fixed {
  switch (trigger.kind) {
    case 'version':
      return { ending: null, versions: new Map([[trigger.resource, trigger.version]]) }
    case 'ending':
      return { ending: { job: trigger.job, ending: trigger.ending }, versions: new Map() }
    case 'changed':
      return NOTHING_FIXED
  }
}

function settleOne(look: Look, trigger: Trigger, mode: Exclude<StartMode, 'strict'>): void {
  const { facts, taken } = look
  if (mode === 'immediate') {
    const offered = newestOffered(facts, trigger, taken)
    if (!('missing' in offered)) return take(look, offered, { mode, triggers: [trigger] })
    return lack(look, [trigger], missingVersion(facts, offered.missing, NOTHING_FIXED))
  }
  const bad = mode === 'chrono' ? facts.needs.flatMap((need) => endedBadly(facts, need)) : []
  if (bad.length > 0) return refuse(look, [trigger], bad.join('; '))
  const set = newestSet(facts, fixedBy(trigger), taken)
  if (!set) return lack(look, [trigger], lacking(facts, fixedBy(trigger)))
  take(look, set, { mode, triggers: [trigger] })
}

/** Nothing waits for ever: while something upstream is not final, it is waited for; after that, all triggers are settled at once. */
function settleStrict(look: Look, triggers: readonly Trigger[]): void {
  const { facts, taken } = look
  const waits = upstreamWaits(facts)
  if (waits.length > 0) {
    const reason = waits.join('; ')
    look.fates.push(
      ...triggers.map(({ id }) => ({ trigger: id, fate: 'gathered' as const, reason, lacks: false })),
    )
    return
  }
  const hindered = hindrances(facts)
  if (hindered.length > 0) return refuse(look, triggers, hindered.join('; '))
  const set = newestSet(facts, NOTHING_FIXED, taken)
  if (!set) return lack(look, triggers, lacking(facts, NOTHING_FIXED))
  take(look, set, { mode: 'strict', triggers })
}

type How = { readonly mode: StartMode; readonly triggers: readonly Trigger[] }

/** Which standings a mode makes a run of: every event is one for `immediate` and, unless it is old, for `chrono`. */
const TAKES: Readonly<Record<StartMode, readonly Standing[]>> = {
  settled: ['newer', 'every'],
  strict: ['newer', 'every'],
  chrono: ['newer', 'every', 'same', 'beside'],
  immediate: ['newer', 'every', 'same', 'beside', 'behind', 'older'],
}
/** A set that is at least as new as what was taken is taken in its place. */
const ADVANCES: readonly Standing[] = ['newer', 'same', 'beside']

function take(look: Look, set: InputSet, { mode, triggers }: How): void {
  const { facts, taken } = look
  const [trigger = null] = triggers
  const standing = standingOf(facts, set, { before: look, trigger: triggers.length === 1 ? trigger : null })
  if (!TAKES[mode].includes(standing)) return refuse(look, triggers, goneOn(facts, taken, standing))
  const passed = passing(facts, set.inputs, triggers)
  if ('problem' in passed) return refuse(look, triggers, passed.problem)
  const { inputs, upstreams } = set
  const advances = ADVANCES.includes(standing)
  look.runs.push({
    inputs,
    upstreams,
    start: mode,
    reason: runReason(facts, set, { taken, triggers }),
    triggers: triggers.map(({ id }) => id),
    advances,
    skip: passed.skip,
  })
  for (const { version } of inputs) look.used.add(version.id)
  if (advances) look.taken = takenOf(facts, set)
}

const takenOf = ({ needs }: Facts, { inputs, upstreams }: InputSet): Taken => ({
  seqs: Object.fromEntries(inputs.map(({ resource, version }) => [resource, version.seq])),
  runs: Object.fromEntries(
    upstreams.flatMap(({ job, run }): [string, RunId][] =>
      needs.some((need) => need.job === job && need.versions === 'any') ? [[job, run]] : [],
    ),
  ),
  words: inputs.map(({ resource, version }) => inWords(resource, version)).join(' and '),
})

function goneOn({ job }: Facts, taken: Taken | null, standing: Standing): string {
  const words = taken?.words ?? ''
  if (standing === 'same') return `${job.name} has taken these versions already: ${words}`
  if (standing === 'older' || standing === 'behind') return `${job.name} has gone on with ${words}`
  return `nothing that starts ${job.name} is newer than in ${words}`
}

function refuse(look: Look, triggers: readonly Trigger[], reason: string): void {
  for (const { id } of triggers) look.fates.push({ trigger: id, fate: 'no-run', reason, lacks: false })
}

function lack(look: Look, triggers: readonly Trigger[], missing: readonly string[]): void {
  const reason = missing.join('; ')
  for (const { id } of triggers) look.fates.push({ trigger: id, fate: 'no-run', reason, lacks: true })
}
