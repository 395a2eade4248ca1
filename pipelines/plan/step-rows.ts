import { FINISH, HOOKS, type HookName, type Plan, type PlanStep, PREPARE } from '../wire/plan.ts'

/** One step as people see it before it begins. */
type StepRow = {
  readonly step: number
  readonly name: string
  readonly kind: 'prepare' | 'finish' | 'service' | PlanStep['kind']
  /** The step that it is a member or a hook of; null at the top. */
  readonly parent: number | null
  readonly hook: HookName | null
}

/** All steps that a run may go through: the runner's own first one, the job's with their members and hooks, services, the runner's last. */
export const stepRows = (plan: Pick<Plan, 'steps' | 'hooks' | 'services' | 'finish'>): StepRow[] => [
  { step: 0, name: PREPARE, kind: 'prepare', parent: null, hook: null },
  ...plan.steps.flatMap((step) => rowsOf(step, null, null)),
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
