import type { Plan } from '#pipelines/wire/plan.ts'
import type { OpenTerminal } from '#pipelines/wire/terminal.ts'

/** A program on a terminal in a run's container. Disposing ends it, and whatever it began there; safe twice, never throws. */
export interface Terminal extends AsyncDisposable {
  /** What it shows, until it ends. Where nobody asks for more, it is made to wait. */
  readonly screen: AsyncIterable<Uint8Array>
  /** Resolves when the program has room for more. */
  type(keys: Uint8Array): Promise<void>
  resize(size: Size): Promise<void>
  /** Its exit code, once `screen` has ended; null where nobody can tell. */
  exitCode(): Promise<number | null>
}

export type Size = { readonly columns: number; readonly rows: number }

/** What is to run on the terminal, where. */
export type Visit = Pick<OpenTerminal, 'command' | 'columns' | 'rows'> & {
  /** As the engine knows it. */
  readonly container: string
  readonly plan: Pick<Plan, 'env'>
}

/** @throws {EngineError} When there can be no terminal. */
export type Door = (visit: Visit) => Promise<Terminal>
