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

/** The rules that are for a place, in their order. */
export const rulesAt = (rules: PolicyRules, { project, lane }: PolicyPlace): PolicyRules =>
  rules.filter(({ projects, lanes }) => matches(projects, project) && matches(lanes, lane))

/**
 * What policies say of somebody who decides at a gate, whom `names` tells: `person:ada`, `team:release`, each role that he reaches, and
 * `author`. A rule speaks of him where one of the names fits. `words` are for the run when it is decided, `beforehand` for himself until then.
 */
export function judgeApprover(
  rules: PolicyRules,
  names: readonly string[],
  place: PolicyPlace,
): (Judgement & { readonly beforehand: string }) | null {
  const speaks = ({ approver }: PolicyRule) => approver !== undefined && names.some(globList(approver))
  const rule = rulesAt(rules, place).find(speaks)
  if (!rule || rule.effect === 'allow') return null
  const why = rule.message === undefined ? '' : `: ${rule.message}`
  const warnedOf = `is warned of by the policy \`${rule.name}\`${why}`
  const words =
    rule.effect === 'deny'
      ? `the policy \`${rule.name}\` does not let you decide here${why}`
      : `that ${names[0]?.replace(/^person:/, '') ?? 'somebody'} decided ${warnedOf}`
  const beforehand = rule.effect === 'deny' ? words : `that you decide ${warnedOf}`
  return { effect: rule.effect, rule: rule.name, value: names[0] ?? '', words, beforehand }
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
  if (subject.what === 'privileged') return globList(said)(fullImageName(subject.value))
  if (subject.what !== 'image') return globList(said)(subject.value)
  const isMeant = rule.digest !== 'missing' || !isPinned(subject.value)
  return isMeant && globList(said)(fullImageName(subject.value))
}

const THINGS: Readonly<Record<Subject['what'], string>> = {
  image: 'the image',
  privileged: 'privileged running of',
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
