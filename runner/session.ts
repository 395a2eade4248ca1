import { exited } from './engine.ts'
import type { ExitStatus, Output } from './engine.ts'
import type { Token } from './marks.ts'

/**
 * The reader of one run's shell: hands each step its part of the stream.
 *
 * @param stream  The shell's tokens; ends when the shell and everything that holds its output ended.
 * @param ended   How the shell itself ended, asked only when the stream stops inside a step.
 */
export class Session {
  readonly #stream: AsyncGenerator<Token, void>
  readonly #ended: () => Promise<ExitStatus>
  constructor(stream: AsyncGenerator<Token, void>, ended: () => Promise<ExitStatus>) {
    this.#stream = stream
    this.#ended = ended
  }

  /** The output and boundaries of the step at `index`, up to the mark behind it or the end of the stream. */
  async *step(index: number): AsyncGenerator<Output, ExitStatus> {
    let open: number | null = null
    // Not `for await`: leaving it would close the stream, and the next step needs the rest.
    for (let next = await this.#stream.next(); !next.done; next = await this.#stream.next()) {
      const token = next.value
      if (token.kind === 'bytes') yield token
      else {
        if (open !== null) yield { kind: 'command.ended', command: open, exitCode: token.code }
        if (token.kind === 'end' && token.step === index) return exited(token.code)
        if (token.kind === 'command') yield { kind: 'command.started', command: (open = token.command) }
      }
    }
    const status = await this.#ended()
    if (open !== null) yield { kind: 'command.ended', command: open, exitCode: status.exitCode }
    return status
  }
}
