import type { Command } from 'commander'

/** Add a command of its own, to the whole or to a parent. */
export type Add = (name: string, description: string, parent?: Command) => Command
/** The program ends with the code that a command's own file returns. */
export type EndingWith = <Given extends unknown[]>(
  act: (...given: Given) => Promise<number>,
) => (...given: Given) => Promise<void>

export const JSON_OUT = ['--json', 'answer in JSON, for programs'] as const
