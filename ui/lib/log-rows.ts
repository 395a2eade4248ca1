import type { RunStep } from './api.ts'
import type { LogLine } from './log-lines.ts'

export type RunCommand = RunStep['commands'][number]

/** What stands in one row of a log: the head of a fold, a line of text, or a note of ours. */
export type Row =
  | { readonly kind: 'step'; readonly key: string; readonly step: RunStep; readonly isOpen: boolean }
  | {
      readonly kind: 'command'
      readonly key: string
      readonly step: RunStep
      readonly command: RunCommand
      readonly isOpen: boolean
    }
  | LogLine
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

/** A log as rows, folds applied. `isOpen` is asked with a fold's key and what to do where nobody has chosen. */
export function rowsOf(
  steps: readonly RunStep[],
  log: Log,
  isOpen: (key: string, byItself: boolean) => boolean,
): Row[] {
  const rows: Row[] = []
  const authored = steps.filter((step) => step.step > 0)
  for (const step of steps) {
    const key = stepKey(step.step)
    const open = isOpen(key, opensByItself(step.state) || (authored.length === 1 && step.step > 0))
    rows.push({ kind: 'step', key, step, isOpen: open })
    if (open) pushStep(rows, { step, log, isOpen })
  }
  return rows
}

type Opened = { step: RunStep; log: Log; isOpen: (key: string, byItself: boolean) => boolean }

function pushStep(rows: Row[], { step, log, isOpen }: Opened): void {
  const lines = log.linesOf(step.step)
  const dropped = log.droppedOf(step.step)
  const first = step.commands.map((command) => command.first_line ?? Infinity)
  if (dropped > 0) rows.push(note(step, `${dropped.toLocaleString()} earlier lines are in the raw log.`))
  pushLines(rows, lines, { from: 0, to: first[0] ?? Infinity, dropped })
  for (const [index, command] of step.commands.entries()) {
    const key = commandKey(step.step, command.command)
    const only = step.commands.length === 1 && step.state !== 'queued'
    const told = command.state === 'succeeded' && !opensAlone(step) && step.lines <= SHORT_LINES
    const open = isOpen(key, opensByItself(command.state) || only || told)
    rows.push({ kind: 'command', key, step, command, isOpen: open })
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

/** Where something failed, that is what there is to see. */
const opensAlone = (step: RunStep) => step.state === 'failed' || step.state === 'errored'

/** A log as short as this is shown whole: nothing is gained by folding it. */
const SHORT_LINES = 200

const opensByItself = (state: RunStep['state']) =>
  state === 'running' || state === 'failed' || state === 'errored'

function silence(step: RunStep): string {
  if (step.state === 'queued') return 'Not begun yet.'
  if (step.state === 'running') return 'Nothing said yet.'
  return step.state === 'skipped' ? 'Never reached.' : 'This step said nothing.'
}
