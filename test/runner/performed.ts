import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import type { Plan } from '#pipelines/wire/plan.ts'
import { RunnerSays } from '#pipelines/wire/runner.ts'
import type { ReportEntry } from '#pipelines/wire/runner.ts'
import { type Freight, noFreight } from '../../runner/freight.ts'
import { noResources, type Resources } from '../../runner/resources.ts'
import { type House, perform } from '../../runner/run.ts'
import { scriptedEngine } from '../../runner/scripted.ts'
import { type Frame, Work } from '../../runner/work.ts'
import { saidLog } from '../support/said-log.ts'

export type Told = {
  readonly engine?: House['engine']
  readonly freight?: Partial<Freight>
  readonly resources?: Partial<Resources>
  /** Called with everything the run says, as it says it. */
  readonly hear?: (work: Work, entry: ReportEntry | { kind: 'log'; step: number; text: string }) => void
}

export type Performed = {
  readonly entries: readonly ReportEntry[]
  readonly end: Extract<ReportEntry, { kind: 'run.ended' }>
  /** What became of each step: its last state, `skipped: <reason>`, `(allowed)`. */
  readonly states: Readonly<Record<number, string>>
  log(step: number): string
  /** The numbers of the steps in the order in which they began. */
  readonly begun: readonly number[]
}

/** Carry out a plan in this process and remember everything that is said of it. */
export async function performed(plan: Plan, told: Told = {}): Promise<Performed> {
  const entries: ReportEntry[] = []
  const logs = new Map<number, string>()
  const send = (frame: Frame) => {
    if (typeof frame === 'string') {
      const says = RunnerSays.parse(JSON.parse(frame))
      if (says.say !== 'report') return
      entries.push(says.entry)
      told.hear?.(work, says.entry)
    } else {
      const { head, bytes } = saidLog(frame)
      const text = bytes.toString()
      logs.set(head.step, (logs.get(head.step) ?? '') + text)
      told.hear?.(work, { kind: 'log', step: head.step, text })
    }
  }
  const work: Work = new Work(plan, randomUUID(), send)
  const house = {
    engine: told.engine ?? scriptedEngine(),
    log: pino({ level: 'silent' }),
    freight: { ...noFreight, ...told.freight },
    resources: { ...noResources, ...told.resources },
  }
  const endings: number[] = []
  await perform(work, house, () => void endings.push(entries.length))
  if (endings.length !== 1 || endings[0] !== entries.length)
    throw new Error('The slot is given back once, behind the last word.')
  const end = entries.at(-1)
  if (end?.kind !== 'run.ended') throw new Error('The last word was no verdict.')
  return {
    entries,
    end,
    states: statesOf(entries),
    log: (step) => logs.get(step) ?? '',
    begun: entries.flatMap((entry) => (entry.kind === 'step.started' && entry.step > 0 ? [entry.step] : [])),
  }
}

function statesOf(entries: readonly ReportEntry[]): Record<number, string> {
  const states: Record<number, string> = {}
  for (const entry of entries) {
    if (entry.kind === 'step.skipped') states[entry.step] = `skipped: ${entry.reason}`
    if (entry.kind === 'step.ended' && entry.step > 0)
      states[entry.step] = entry.allowed ? `${entry.state} (allowed)` : entry.state
  }
  return states
}
