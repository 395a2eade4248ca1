import type { RunStep } from './api.ts'

/** A step with what belongs to it. A hook that was not called is no node: it is told in a sentence. */
export type StepNode = {
  readonly step: RunStep
  readonly members: readonly StepNode[]
  readonly hooks: readonly StepNode[]
  readonly uncalled: readonly RunStep[]
}

type StepTree = {
  /** The runner's own steps and the job's, in the order in which they come. */
  readonly steps: readonly StepNode[]
  readonly hooks: readonly StepNode[]
  readonly uncalled: readonly RunStep[]
  /** What runs beside the steps, not between them. */
  readonly services: readonly StepNode[]
}

/** Whether a hook was called; those of another ending never are, and before the end nobody knows. */
const wasCalled = ({ state }: RunStep) => state !== 'queued' && state !== 'skipped'

/** The steps of a run, which the server lists flat, as the tree that their file drew. */
export function treeOf(steps: readonly RunStep[]): StepTree {
  const known = new Set(steps.map(({ step }) => step))
  // A parent stands before what belongs to it; whatever says otherwise stands at the top, and no walk goes in a circle.
  const parentOf = ({ step, parent }: RunStep) =>
    parent !== null && parent < step && known.has(parent) ? parent : null
  const below = Map.groupBy(steps, parentOf)
  const nodeOf = (step: RunStep): StepNode => ({ step, ...around(below.get(step.step) ?? []) })
  const around = (inside: readonly RunStep[]) => ({
    members: inside.filter(({ hook }) => hook === null).map(nodeOf),
    hooks: inside.filter((one) => one.hook !== null && wasCalled(one)).map(nodeOf),
    uncalled: inside.filter((one) => one.hook !== null && !wasCalled(one)),
  })
  const { members, hooks, uncalled } = around(below.get(null) ?? [])
  const isService = ({ step }: StepNode) => step.kind === 'service'
  return {
    steps: members.filter((node) => !isService(node)),
    hooks,
    uncalled,
    services: members.filter(isService),
  }
}

/** The folds that a step lies in, outermost first. */
export function foldsAbove(steps: readonly RunStep[], number: number): number[] {
  const above: number[] = []
  for (let at = steps.find(({ step }) => step === number); at && at.parent !== null;) {
    const parent = at.parent < at.step ? at.parent : null
    at = steps.find(({ step }) => step === parent)
    if (at) above.unshift(at.step)
  }
  return above
}

/** `on_failure` as people say it. */
export const hookWords = (hook: string): string => hook.replaceAll('_', ' ')

/** What a step is besides a row of commands, in words for its head. */
export function tagsOf(step: RunStep): string[] {
  const tags = step.hook === null ? [] : [hookWords(step.hook)]
  if (step.kind === 'get' || step.kind === 'put' || step.kind === 'group' || step.kind === 'service')
    tags.push(step.kind)
  if (step.tries > 1) tags.push(`${step.tries} tries`)
  if (step.allowed) tags.push('allowed to fail')
  return tags
}
