import { FINISH, HAND_OVER, HOOKS, type HookName, type Plan, type PlanStep, PREPARE } from '../wire/plan.ts'

/** One step as people see it before it begins. */
type StepRow = {
  readonly step: number
  readonly name: string
  readonly kind: 'prepare' | 'hand_over' | 'finish' | 'service' | PlanStep['kind']
  /** The step that it is a member or a hook of; null at the top. */
  readonly parent: number | null
  readonly hook: HookName | null
}

type Shown = Pick<Plan, 'prepare' | 'steps' | 'handOver' | 'hooks' | 'services' | 'finish'>

/** All steps that a part of a run may go through: the runner's own first one, the job's with their members and hooks, services, the runner's last. */
export const stepRows = (plan: Shown): StepRow[] => [
  { step: plan.prepare, name: PREPARE, kind: 'prepare', parent: null, hook: null },
  ...plan.steps.flatMap((step) => rowsOf(step, null, null)),
  ...(plan.handOver ? [handOverRow(plan.handOver.step)] : []),
  ...hookRows(plan.hooks, null),
  ...plan.services.map(({ step, name }) => ({
    step,
    name,
    kind: 'service' as const,
    parent: null,
    hook: null,
  })),
  { step: plan.finish, name: FINISH, kind: 'finish', parent: null, hook: null },
]

const handOverRow = (step: number): StepRow => ({
  ...{ step, name: HAND_OVER, kind: 'hand_over', parent: null, hook: null },
})

function rowsOf(step: PlanStep, parent: number | null, hook: HookName | null): StepRow[] {
  const { step: number, name, kind } = step
  return [
    { step: number, name, kind, parent, hook },
    ...(step.kind === 'group' ? step.steps.flatMap((member) => rowsOf(member, number, null)) : []),
    ...hookRows(step.hooks, number),
  ]
}

const hookRows = (hooks: Plan['hooks'], parent: number | null): StepRow[] =>
  HOOKS.flatMap((hook) => hooks[hook].flatMap((step) => rowsOf(step, parent, hook)))
