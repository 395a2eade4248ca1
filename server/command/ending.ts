export const RED = 1
export const WRONG_USE = 2
export const UNREACHABLE = 3

/** The command cannot go on, for a reason its user can act on: a sentence, and the exit code that says it to scripts. */
export class Ending extends Error {
  override readonly name = 'Ending'
  readonly exitCode: 1 | 2 | 3

  constructor(exitCode: 1 | 2 | 3, sentence: string, options?: ErrorOptions) {
    super(sentence, options)
    this.exitCode = exitCode
  }
}

/** Read settings whose refusal is already written for people. */
export function asWrongUse<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Ending(WRONG_USE, error instanceof Error ? error.message : String(error), { cause: error })
  }
}
