import { globList } from '../language/glob.ts'
import { evaluate } from '../language/expression/evaluate.ts'
import type { LaneKind } from '../language/pipeline.ts'
import type { DueInput, Facts, Trigger } from './facts.ts'

/** What a due set comes to: the job is passed through, with the reason, or runs (null). A `problem`: nobody can tell. */
export type Passing = { readonly skip: string | null } | { readonly problem: string }

/** Whether `when`, `if` or `paths` leave the job out for a set of inputs. */
export function passing(facts: Facts, inputs: readonly DueInput[], triggers: readonly Trigger[]): Passing {
  const kinds = kindsOf(facts, triggers)
  const leftOut = leftOutByWhen(facts, kinds)
  if (leftOut) return { skip: leftOut }
  const asked = askedByIf(facts, inputs, kinds[0] ?? facts.lane.kind)
  if ('problem' in asked || asked.skip !== null) return asked
  return { skip: leftOutByPaths(facts, inputs) }
}

const IN_WORDS: Readonly<Record<LaneKind, string>> = {
  push: 'pushes',
  pull_request: 'pull requests',
  tag: 'tags',
  schedule: 'scheduled starts',
  manual: 'starts by hand',
}

/** Why `when` allows none of these kinds; null when it allows one. */
export function leftOutByWhen({ job }: Pick<Facts, 'job'>, kinds: readonly LaneKind[]): string | null {
  const { when } = job
  if (!when || kinds.some((kind) => when.includes(kind))) return null
  const named = kinds.map((kind) => IN_WORDS[kind]).join(' and ')
  return `\`${job.name}\` leaves out ${named} (\`when: ${when.join(', ')}\`)`
}

/** What the fact of each trigger is: a tick of a clock is a schedule, everything else comes as its lane does. */
function kindsOf({ inputs, lane }: Facts, triggers: readonly Trigger[]): LaneKind[] {
  const isTick = (trigger: Trigger) =>
    trigger.kind === 'version' &&
    inputs.some(({ resource, kind }) => resource === trigger.resource && kind === 'time')
  return [...new Set(triggers.map((trigger) => (isTick(trigger) ? 'schedule' : lane.kind)))]
}

function askedByIf(facts: Facts, inputs: readonly DueInput[], kind: LaneKind): Passing {
  if (facts.job.if === null) return { skip: null }
  const answer = evaluate(facts.job.if, valuesOf(facts, inputs, kind))
  if ('problem' in answer) return { problem: `\`if: ${facts.job.if}\` has no answer: ${answer.problem}` }
  return { skip: answer.holds ? null : `\`if: ${facts.job.if}\` does not hold` }
}

function valuesOf(facts: Facts, inputs: readonly DueInput[], kind: LaneKind): Map<string, string> {
  const { job, project, pipeline, lane, details } = facts
  const values = new Map<string, string>(
    inputs.flatMap(({ resource, version }) =>
      Object.entries(details[version.id]?.fields ?? {}).map(
        ([field, value]) => [`${resource}.${field}`, value] as const,
      ),
    ),
  )
  const takt = { project, pipeline, job: job.name, lane: lane.name, kind }
  for (const [field, value] of Object.entries(takt)) values.set(`takt.${field}`, value)
  return values
}

/** The first git input is the one that changed; where nobody knows what changed in it, everything may have. */
function leftOutByPaths({ job, inputs: edges, details }: Facts, inputs: readonly DueInput[]): string | null {
  if (job.paths.length === 0) return null
  const git = inputs.find(({ resource, version }) => {
    const kind = edges.find((edge) => edge.resource === resource)?.kind
    return kind === undefined ? Boolean(details[version.id]?.changed) : kind === 'git'
  })
  const changed = git ? details[git.version.id]?.changed : null
  if (!changed || changed.some(globList(job.paths))) return null
  return `nothing in ${job.paths.map((path) => `\`${path}\``).join(', ')} changed`
}
