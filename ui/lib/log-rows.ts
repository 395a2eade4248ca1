import type { RunStep } from './api.ts'
import type { LogLine } from './log-lines.ts'
import { hookWords, type StepNode, treeOf } from './step-tree.ts'

export type RunCommand = RunStep['commands'][number]

/** What stands in one row of a log: the head of a fold, a line of text, a heading, or a note of ours. */
export type Row =
  | {
      readonly kind: 'step'
      readonly key: string
      readonly step: RunStep
      /** How many groups, or steps that it is a hook of, it stands in. */
      readonly depth: number
      readonly isOpen: boolean
    }
  | {
      readonly kind: 'command'
      readonly key: string
      readonly step: RunStep
      readonly command: RunCommand
      readonly depth: number
      readonly isOpen: boolean
    }
  | LogLine
  | { readonly kind: 'section'; readonly key: string; readonly text: string }
  | { readonly kind: 'note'; readonly key: string; readonly text: string }

export type Log = {
  readonly linesOf: (step: number) => readonly LogLine[]
  readonly droppedOf: (step: number) => number
}

export const stepKey = (step: number): string => `s${step}`
export const commandKey = (step: number, command: number): string => `s${step}-c${command}`
/** The fragment that points at a line; people count from 1. */
export const lineKey = (step: number, number: number): string => `s${step}-l${number + 1}`

/** Lines are rows as they are, and their keys are made for the few that are drawn: a log may have a hundred thousand. */
export const keyOf = (row: Row): string => (row.kind === 'line' ? lineKey(row.step, row.number) : row.key)

type IsOpen = (key: string, byItself: boolean) => boolean
type Walk = { readonly rows: Row[]; readonly log: Log; readonly isOpen: IsOpen; readonly onlyStep: boolean }

/**
 * A run's tree of steps and its log as rows, folds applied. `isOpen` is asked with a fold's key and what to do where nobody has
 * chosen.
 */
export function rowsOf(steps: readonly RunStep[], log: Log, isOpen: IsOpen): Row[] {
  const rows: Row[] = []
  const authored = steps.filter(({ kind }) => kind !== 'prepare' && kind !== 'finish')
  const walk: Walk = { rows, log, isOpen, onlyStep: authored.length === 1 }
  const tree = treeOf(steps)
  for (const node of tree.steps) pushNode(walk, node, 0)
  if (tree.hooks.length > 0) rows.push(section('hooks', 'Hooks of the job'))
  for (const node of tree.hooks) pushNode(walk, node, 0)
  const missed = uncalledWords(tree.uncalled)
  if (missed) rows.push({ kind: 'note', key: 'uncalled', text: `Hooks of the job not called: ${missed}` })
  if (tree.services.length > 0) rows.push(section('services', 'Services, beside the steps'))
  for (const node of tree.services) pushNode(walk, node, 0)
  return rows
}

const section = (key: string, text: string): Row => ({ kind: 'section', key, text })

function pushNode(walk: Walk, { step, members, hooks, uncalled }: StepNode, depth: number): void {
  const key = stepKey(step.step)
  const isGroup = step.kind === 'group'
  const byItself = opensByItself(step) || isGroup || (walk.onlyStep && step.kind === 'run')
  const open = walk.isOpen(key, byItself && step.state !== 'skipped')
  walk.rows.push({ kind: 'step', key, step, depth, isOpen: open })
  if (open && step.reason) walk.rows.push(note(step, `Passed over: ${step.reason}`))
  if (open && !isGroup && !step.reason) pushStep(walk, step, depth)
  if (open) for (const member of members) pushNode(walk, member, depth + 1)
  const missed = open ? uncalledWords(uncalled) : ''
  if (missed) walk.rows.push({ kind: 'note', key: `${key}-uncalled`, text: `Hooks not called: ${missed}` })
  for (const hook of hooks) pushNode(walk, hook, depth + 1)
}

function pushStep({ rows, log, isOpen }: Walk, step: RunStep, depth: number): void {
  const lines = log.linesOf(step.step)
  const dropped = log.droppedOf(step.step)
  const first = step.commands.map((command) => command.first_line ?? Infinity)
  if (dropped > 0) rows.push(note(step, `${dropped.toLocaleString()} earlier lines are in the raw log.`))
  pushLines(rows, lines, { from: 0, to: first[0] ?? Infinity, dropped })
  for (const [index, command] of step.commands.entries()) {
    const key = commandKey(step.step, command.command)
    const only = step.commands.length === 1 && step.state !== 'queued'
    const told = command.state === 'succeeded' && !opensAlone(step) && step.lines <= SHORT_LINES
    const open = isOpen(key, opensByItself(command) || only || told)
    rows.push({ kind: 'command', key, step, command, depth, isOpen: open })
    if (open)
      pushLines(rows, lines, { from: first[index] ?? Infinity, to: first[index + 1] ?? Infinity, dropped })
  }
  if (lines.length === 0 && step.commands.length === 0) rows.push(note(step, silence(step)))
}

function pushLines(
  rows: Row[],
  lines: readonly LogLine[],
  range: { from: number; to: number; dropped: number },
): void {
  const end = Math.min(lines.length, range.to - range.dropped)
  for (let at = Math.max(0, range.from - range.dropped); at < end; at++) {
    const line = lines[at]
    if (line) rows.push(line)
  }
}

const note = (step: RunStep, text: string): Row => ({ kind: 'note', key: `${stepKey(step.step)}-note`, text })

/** Hooks that were passed over, each with why; those that may still be called are not spoken of. */
const uncalledWords = (hooks: readonly RunStep[]): string =>
  hooks
    .filter(({ state }) => state === 'skipped')
    .map(({ name, hook, reason }) => `${name} (${hookWords(hook ?? '')})${reason ? `: ${reason}` : ''}`)
    .join('; ')

/** Where something failed, that is what there is to see. */
const opensAlone = (step: RunStep) => step.state === 'failed' || step.state === 'errored'

/** A log as short as this is shown whole: nothing is gained by folding it. */
const SHORT_LINES = 200

const opensByItself = ({ state }: Pick<RunStep, 'state'>) =>
  state === 'running' || state === 'failed' || state === 'errored'

function silence(step: RunStep): string {
  if (step.state === 'queued') return 'Not begun yet.'
  if (step.state === 'running') return 'Nothing said yet.'
  return step.state === 'skipped' ? 'Never reached.' : 'This step said nothing.'
}
