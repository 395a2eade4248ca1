import type { Run, RunTerminal } from '../../ui/lib/api.ts'
import { ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

export const TERMINALS: readonly Route[] = [
  [
    'GET',
    /^\/runs\/(\d+)\/terminals$/,
    ({ world }, run) => ok({ items: (world.terminals.get(Number(run)) ?? []).toReversed(), next: null }),
  ],
]

/** Somebody looks into a run. */
export function openTerminal(world: FakeWorld, run: Run, given: Partial<RunTerminal> = {}): RunTerminal {
  const all = [...world.terminals.values()].flat()
  const terminal: RunTerminal = {
    ...{ id: all.length + 1, user: 'ada', command: [], opened_at: new Date().toISOString() },
    ...{ closed_at: null, exit_code: null, reason: null },
    ...given,
  }
  world.terminals.set(run.id, [...(world.terminals.get(run.id) ?? []), terminal])
  const { project, pipeline, id } = run
  world.announce({
    ...{ kind: 'terminal.opened', project, pipeline, run: id, terminal: terminal.id, user: terminal.user },
  })
  return terminal
}

export function closeTerminal(world: FakeWorld, run: Run, terminal: RunTerminal): void {
  const closedAt = new Date()
  const lastedMs = closedAt.getTime() - Date.parse(terminal.opened_at)
  Object.assign(terminal, { closed_at: closedAt.toISOString(), exit_code: 0 })
  const { project, pipeline, id } = run
  world.announce({
    ...{ kind: 'terminal.closed', project, pipeline, run: id, terminal: terminal.id, user: terminal.user },
    lastedMs,
  })
}
