import { globList } from '../language/glob.ts'
import { fullImageName, isPinned } from './image-name.ts'
import type { PolicyRule, PolicyRules } from './rules.ts'
import type { Subject } from './subjects.ts'

/** Where the judged thing is. */
export type PolicyPlace = { readonly project: string; readonly lane: string }

/** A rule that says something about a thing that it does not simply allow. */
export type Judgement = {
  readonly effect: 'warn' | 'deny'
  readonly rule: string
  /** What it is about, as the file writes it. */
  readonly value: string
  readonly words: string
}

/** What the policies say: of each thing the first rule that speaks of it, there. What no rule speaks of is allowed. */
export function judge(rules: PolicyRules, subjects: readonly Subject[], place: PolicyPlace): Judgement[] {
  const here = rulesAt(rules, place)
  return subjects.flatMap((subject) => {
    const rule = here.find((each) => speaksOf(each, subject))
    if (!rule || rule.effect === 'allow') return []
    return [{ effect: rule.effect, rule: rule.name, value: subject.value, words: wordsOf(rule, subject) }]
  })
}

const rulesAt = (rules: PolicyRules, { project, lane }: PolicyPlace): PolicyRules =>
  rules.filter(({ projects, lanes }) => matches(projects, project) && matches(lanes, lane))

/** How many runs a project may have under way at once, of those whose lanes the same rule is for; null where no rule says. */
export type MostRuns = { readonly rule: string; readonly most: number; readonly words: string }
export function mostRuns(rules: PolicyRules, place: PolicyPlace): MostRuns | null {
  const rule = rulesAt(rules, place).find(({ runs_over }) => runs_over !== undefined)
  if (rule?.runs_over === undefined || rule.effect === 'allow') return null
  const { name, runs_over: most, message } = rule
  const why = message === undefined ? '' : `: ${message}`
  return {
    rule: name,
    most,
    words: `the policy \`${name}\` lets ${place.project} have ${most} at once${why}`,
  }
}

/**
 * What policies say of somebody who decides at a gate, whom `names` tells: `person:ada`, `team:release`, each role that he reaches, and
 * `author`. A rule speaks of him where one of the names fits.
 */
export function judgeApprover(
  rules: PolicyRules,
  names: readonly string[],
  place: PolicyPlace,
): Judgement | null {
  const speaks = ({ approver }: PolicyRule) => approver !== undefined && names.some(globList(approver))
  const rule = rulesAt(rules, place).find(speaks)
  if (!rule || rule.effect === 'allow') return null
  const why = rule.message === undefined ? '' : `: ${rule.message}`
  const words = `the policy \`${rule.name}\` does not let you decide here${why}`
  return { effect: rule.effect, rule: rule.name, value: names[0] ?? '', words }
}

export const denials = (judged: readonly Judgement[]): Judgement[] =>
  judged.filter(({ effect }) => effect === 'deny')

const matches = (patterns: readonly string[] | undefined, name: string): boolean =>
  patterns === undefined || globList(patterns)(name)

function speaksOf(rule: PolicyRule, subject: Subject): boolean {
  const said = rule[subject.what]
  if (said === undefined) return false
  if ('ms' in subject) {
    if (typeof said !== 'number') return false
    return subject.what === 'schedule_under' ? subject.ms < said : subject.ms > said
  }
  if (typeof said === 'number') return false
  if (subject.what !== 'image') return globList(said)(subject.value)
  const isMeant = rule.digest !== 'missing' || !isPinned(subject.value)
  return isMeant && globList(said)(fullImageName(subject.value))
}

const THINGS: Readonly<Record<Subject['what'], string>> = {
  image: 'the image',
  host: 'the host',
  label: 'the label',
  secret: 'the secret',
  run_time_over: 'the timeout of',
  keep_over: 'keeping for',
  schedule_under: 'a schedule of every',
}

function wordsOf({ name, effect, message }: PolicyRule, { what, value, of }: Subject): string {
  const verb = effect === 'deny' ? 'is denied' : 'is warned of'
  const why = message === undefined ? '' : `: ${message}`
  return `${THINGS[what]} \`${value}\` of ${of} ${verb} by the policy \`${name}\`${why}`
}
