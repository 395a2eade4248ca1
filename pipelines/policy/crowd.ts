import { type PolicyPlace, rulesAt } from './judge.ts'
import type { PolicyRule, PolicyRules } from './rules.ts'

/** Whose runs a bound counts together. */
export type Per = 'project' | 'organization'

/** How many runs may be under way at once, by one rule. */
export type RunsBound = {
  readonly rule: string
  readonly effect: 'warn' | 'deny'
  readonly per: Per
  readonly most: number
  readonly words: string
}

/**
 * The bounds for a run at a place: of each project and of the organization the first rule that denies, and all that warn. A rule that
 * allows takes what comes behind it away. The runs that count for a bound are those at whose places it stands among these.
 */
export function runsBounds(rules: PolicyRules, place: PolicyPlace): RunsBound[] {
  const here = rulesAt(rules, place).filter(({ runs_over }) => runs_over !== undefined)
  return (['project', 'organization'] as const).flatMap((per) => {
    const own = here.filter((rule) => (rule.per ?? 'project') === per)
    const free = own.findIndex(({ effect }) => effect === 'allow')
    const bounding = own.slice(0, free < 0 ? own.length : free)
    const denying = bounding.find(({ effect }) => effect === 'deny')
    const kept = bounding.filter((rule) => rule.effect === 'warn' || rule === denying)
    return kept.map((rule) => boundOf(rule, per, place.project))
  })
}

function boundOf(rule: PolicyRule, per: Per, project: string): RunsBound {
  const { name, runs_over: most = 0, message } = rule
  const effect = rule.effect === 'deny' ? 'deny' : 'warn'
  const whose = per === 'project' ? project : 'the organization'
  const why = message === undefined ? '' : `: ${message}`
  const words =
    effect === 'deny'
      ? `the policy \`${name}\` lets ${whose} have ${most} at once${why}`
      : `that ${whose} has more than ${most} at once is warned of by the policy \`${name}\`${why}`
  return { rule: name, effect, per, most, words }
}
