import type { Plan } from '#pipelines/wire/plan.ts'
import type { Log } from '../log.ts'
import type { Door } from './door.ts'
import { Holds } from './holds.ts'
import { type Room, RunnerTerminals } from './terminals.ts'

/** Where people come in who want to look into a run, while it goes on or after it failed. */
export interface Lobby extends AsyncDisposable {
  readonly terminals: RunnerTerminals
  /** Terminals may be opened in a run's workspace until what is returned is disposed of. */
  admit(room: Room): Disposable
  /** Keep what is left of a failed run, for as long as its plan says; `rooms` is disposed of then. */
  keep(plan: Pick<Plan, 'run' | 'holdMs'>, rooms: AsyncDisposable): void
}

/** @param door  Null where the engine has no containers to look into. */
export function openLobby(door: Door | null, log: Log): Lobby {
  const terminals = new RunnerTerminals(door, log)
  const holds = new Holds(terminals, log)
  return {
    terminals,
    admit: (room) => terminals.admit(room),
    keep: (plan, rooms) => holds.keep(plan, rooms),
    [Symbol.asyncDispose]: () => holds[Symbol.asyncDispose](),
  }
}
