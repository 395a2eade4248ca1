import type { RunnerId } from '#pipelines/ids.ts'
import type { TerminalOrder, TerminalWord } from '#pipelines/wire/terminal.ts'

/** A runner's connection, as those know it who speak over it besides runs and reports. */
export interface RunnerLine {
  readonly runner: RunnerId
  /** Which of the runner's connections it is; its row knows one at a time. */
  readonly connection: string
  /** Both say it at once, or, where the connection is closing, to nobody. */
  readonly say: (order: TerminalOrder) => void
  readonly send: (keys: Uint8Array) => void
}

/** Somebody who looks after what goes over runners' connections besides runs and reports. None of it throws or waits. */
export interface Guest {
  came(line: RunnerLine): void
  heard(line: RunnerLine, word: TerminalWord): void
  shown(line: RunnerLine, screen: { readonly terminal: number; readonly content: Uint8Array }): void
  went(line: RunnerLine): void
}
