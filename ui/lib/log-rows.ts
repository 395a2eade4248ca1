import type { Gate, Run, RunStep } from './api.ts'
import { gateLook } from './gate-words.ts'
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
  | { readonly kind: 'gate'; readonly key: string; readonly gate: Gate; readonly isOpen: boolean }
  | { readonly kind: 'line'; readonly step: number; readonly number: number }
  | { readonly kind: 'section'; readonly key: string; readonly text: string }
  | { readonly kind: 'note'; readonly key: string; readonly text: string }

/** A row that is no line. */
export type Heading = Exclude<Row, { kind: 'line' }>

/**
 * The height of a line that fits its width. A list that knows it finds the end of a long log at once: one that has to guess aims for a
 * page higher than browsers make them (33.5 million pixels), and lands before it.
 */
export const ROW_PX = 20

/** How many lines a step has. */
type LinesOf = (step: number) => number

export const stepKey = (step: number): string => `s${step}`
export const commandKey = (step: number, command: number): string => `s${step}-c${command}`
/** The fragment that points at a line; people count from 1. */
export const lineKey = (step: number, number: number): string => `s${step}-l${number + 1}`

export const keyOf = (row: Row): string => (row.kind === 'line' ? lineKey(row.step, row.number) : row.key)

type IsOpen = (key: string, byItself: boolean) => boolean
/** Lines that follow each other are one entry: a log may have a million. */
type Lines = { readonly kind: 'lines'; readonly step: number; readonly from: number; readonly to: number }
type Entry = Heading | Lines
type Walk = {
  readonly entries: Entry[]
  readonly linesOf: LinesOf
  readonly isOpen: IsOpen
  readonly onlyStep: boolean
}

/** The rows of a log in their order, counted and not listed. */
export class Rows {
  readonly #entries: readonly Entry[]
  /** The number of each entry's first row. */
  readonly #firsts: number[] = []
  readonly length: number

  constructor(entries: readonly Entry[]) {
    this.#entries = entries
    let length = 0
    for (const entry of entries) {
      this.#firsts.push(length)
      length += entry.kind === 'lines' ? entry.to - entry.from : 1
    }
    this.length = length
  }

  at(index: number): Row | undefined {
    let [low, high] = [0, this.#firsts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#firsts[middle] ?? 0) <= index) low = middle
      else high = middle - 1
    }
    const entry = this.#entries[low]
    if (entry?.kind !== 'lines') return entry
    return { kind: 'line', step: entry.step, number: entry.from + index - (this.#firsts[low] ?? 0) }
  }

  /** Which row a line is; -1 where it is folded away or not there. */
  indexOfLine(step: number, number: number): number {
    const at = this.#entries.findIndex(
      (entry) => entry.kind === 'lines' && entry.step === step && entry.from <= number && number < entry.to,
    )
    const entry = this.#entries[at]
    return entry?.kind === 'lines' ? (this.#firsts[at] ?? 0) + number - entry.from : -1
  }

  /** Which row the head of a fold is, and which the last one that lies in it. */
  fold(key: string): { readonly head: number; readonly end: number } | null {
    const at = this.#entries.findIndex((entry) => entry.kind !== 'lines' && entry.key === key)
    const head = this.#firsts[at]
    if (head === undefined) return null
    const next = this.#entries[at + 1]
    return { head, end: next?.kind === 'lines' ? head + next.to - next.from : head }
  }

  /** The heads of all steps and gates, in their order. */
  get heads(): readonly { readonly key: string; readonly index: number }[] {
    return this.#entries.flatMap((entry, at) =>
      entry.kind === 'step' || entry.kind === 'gate'
        ? [{ key: entry.key, index: this.#firsts[at] ?? 0 }]
        : [],
    )
  }
}

/** What a runner does by itself. */
const OF_RUNNER: readonly RunStep['kind'][] = ['prepare', 'hand_over', 'finish']

/** What a run has done, what it was held up by, and what is before it. */
type Drawn = Pick<GatedRun, 'steps' | 'ahead' | 'gates'>
export type GatedRun = Run & { readonly gates: readonly Gate[] }

/**
 * A run's tree of steps and its log as rows, each gate in its place, folds applied. `isOpen` is asked with a fold's key and what to
 * do where nobody has chosen.
 */
export function rowsOf({ steps, gates, ahead }: Drawn, linesOf: LinesOf, isOpen: IsOpen): Rows {
  const entries: Entry[] = []
  const authored = steps.filter(({ kind }) => !OF_RUNNER.includes(kind))
  const walk: Walk = { entries, linesOf, isOpen, onlyStep: authored.length === 1 }
  const tree = treeOf(steps)
  const open = gates.toSorted((a, b) => a.id - b.id)
  for (const node of tree.steps) {
    while (open[0] && (open[0].after_step ?? -1) < node.step.step) pushGate(walk, open.shift())
    pushNode(walk, node, 0)
  }
  for (const gate of open) pushGate(walk, gate)
  if (ahead.length > 0) entries.push({ kind: 'note', key: 'ahead', text: aheadWords(ahead) })
  if (tree.hooks.length > 0) entries.push(section('hooks', 'Hooks of the job'))
  for (const node of tree.hooks) pushNode(walk, node, 0)
  const missed = uncalledWords(tree.uncalled)
  if (missed) entries.push({ kind: 'note', key: 'uncalled', text: `Hooks of the job not called: ${missed}` })
  if (tree.services.length > 0) entries.push(section('services', 'Services, beside the steps'))
  for (const node of tree.services) pushNode(walk, node, 0)
  return new Rows(entries)
}

function pushGate({ entries, isOpen }: Walk, gate: Gate | undefined): void {
  if (!gate) return
  const key = `g${gate.id}`
  entries.push({ kind: 'gate', key, gate, isOpen: isOpen(key, gateLook(gate.state) === 'failed') })
}

const aheadWords = (ahead: Drawn['ahead']): string =>
  `Still to come: ${ahead.map(({ name, gate }) => (gate ? `the gate \`${name}\`` : `\`${name}\``)).join(', ')}`

const section = (key: string, text: string): Entry => ({ kind: 'section', key, text })

function pushNode(walk: Walk, { step, members, hooks, uncalled }: StepNode, depth: number): void {
  const key = stepKey(step.step)
  const isGroup = step.kind === 'group'
  const byItself = opensByItself(step) || isGroup || (walk.onlyStep && step.kind === 'run')
  const open = walk.isOpen(key, byItself && step.state !== 'skipped')
  walk.entries.push({ kind: 'step', key, step, depth, isOpen: open })
  if (open && step.reason) walk.entries.push(note(step, `Passed over: ${step.reason}`))
  if (open && !isGroup && !step.reason) pushStep(walk, step, depth)
  if (open) for (const member of members) pushNode(walk, member, depth + 1)
  const missed = open ? uncalledWords(uncalled) : ''
  if (missed) walk.entries.push({ kind: 'note', key: `${key}-uncalled`, text: `Hooks not called: ${missed}` })
  for (const hook of hooks) pushNode(walk, hook, depth + 1)
}

function pushStep({ entries, linesOf, isOpen }: Walk, step: RunStep, depth: number): void {
  const lines = linesOf(step.step)
  const first = step.commands.map((command) => command.first_line ?? Infinity)
  const shown = Math.max(0, lines - MOST_LINES)
  const push = (from: number, to: number) => {
    const some = {
      kind: 'lines',
      step: step.step,
      from: Math.max(from, shown),
      to: Math.min(lines, to),
    } as const
    if (some.from < some.to) entries.push(some)
  }
  if (shown > 0)
    entries.push({
      kind: 'note',
      key: `${stepKey(step.step)}-earlier`,
      text: `${shown.toLocaleString()} earlier lines are in the raw log.`,
    })
  push(0, first[0] ?? Infinity)
  for (const [index, command] of step.commands.entries()) {
    const key = commandKey(step.step, command.command)
    const only = step.commands.length === 1 && step.state !== 'queued'
    const told = command.state === 'succeeded' && !opensAlone(step) && lines <= SHORT_LINES
    const open = isOpen(key, opensByItself(command) || only || told)
    entries.push({ kind: 'command', key, step, command, depth, isOpen: open })
    if (open) push(first[index] ?? Infinity, first[index + 1] ?? Infinity)
  }
  if (lines === 0 && step.commands.length === 0) entries.push(note(step, silence(step)))
}

const note = (step: RunStep, text: string): Entry => ({
  kind: 'note',
  key: `${stepKey(step.step)}-note`,
  text,
})

/** Hooks that were passed over, each with why; those that may still be called are not spoken of. */
const uncalledWords = (hooks: readonly RunStep[]): string =>
  hooks
    .filter(({ state }) => state === 'skipped')
    .map(({ name, hook, reason }) => `${name} (${hookWords(hook ?? '')})${reason ? `: ${reason}` : ''}`)
    .join('; ')

/** Where something failed, that is what there is to see. */
const opensAlone = (step: RunStep) => step.state === 'failed' || step.state === 'errored'

/** A browser draws nothing below 33 million pixels; at 20 of them a line, this leaves room for what wraps. */
const MOST_LINES = 1_200_000

/** A log as short as this is shown whole: nothing is gained by folding it. */
const SHORT_LINES = 200

const opensByItself = ({ state }: Pick<RunStep, 'state'>) =>
  state === 'running' || state === 'failed' || state === 'errored'

function silence(step: RunStep): string {
  if (step.state === 'queued') return 'Not begun yet.'
  if (step.state === 'running') return 'Nothing said yet.'
  return step.state === 'skipped' ? 'Never reached.' : 'This step said nothing.'
}
