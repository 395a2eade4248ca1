import type { RunStep } from './api.ts'
import { commandKey, lineKey, stepKey } from './log-rows.ts'
import { foldsAbove } from './step-tree.ts'

/** Lines that an address points at: `#s1-l10`, or `#s1-l10-l20` for some of them; here they count from 0. */
export type Aim = { readonly step: number; readonly from: number; readonly to: number }

export function aimOf(fragment: string): Aim | null {
  const [, step, first, last] = /^s(\d+)-l(\d+)(?:-l(\d+))?$/.exec(fragment) ?? []
  if (step === undefined || first === undefined) return null
  const [from = 0, to = 0] = [Number(first) - 1, Number(last ?? first) - 1].toSorted((a, b) => a - b)
  return { step: Number(step), from, to }
}

export const fragmentOf = ({ step, from, to }: Aim): string =>
  from === to ? lineKey(step, from) : `${lineKey(step, from)}-l${to + 1}`

/** A line that is chosen while others are: from the first of them up to it, or down from it. */
export function stretched(aim: Aim | null, step: number, line: number): Aim {
  if (aim?.step !== step) return { step, from: line, to: line }
  return { step, from: Math.min(aim.from, line), to: Math.max(aim.from, line) }
}

/** The folds that a line lies in, outermost first. */
export function foldsAround(
  steps: readonly RunStep[],
  { step, line }: { step: number; line: number },
): string[] {
  const found = steps.find((one) => one.step === step)
  if (!found) return []
  const command = found.commands.findLast((one) => one.first_line !== null && one.first_line <= line)
  const around = [...foldsAbove(steps, found.step), found.step].map(stepKey)
  return [...around, ...(command ? [commandKey(found.step, command.command)] : [])]
}

/** The folds of what went wrong, in the order of the steps: of a step with commands, the one that failed. */
export function failures(steps: readonly RunStep[]): string[] {
  const isRed = ({ state }: Pick<RunStep, 'state'>) => state === 'failed' || state === 'errored'
  return steps
    .filter((step) => isRed(step) && step.kind !== 'group')
    .map((step) => {
      const command = step.commands.find(isRed)
      return command ? commandKey(step.step, command.command) : stepKey(step.step)
    })
}
