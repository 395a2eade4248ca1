import type { RunId } from '#pipelines/ids.ts'
import { decodeTerminal } from '#pipelines/wire/terminal-frames.ts'
import { type OpenTerminal, type TerminalWord } from '#pipelines/wire/terminal.ts'
import type { RunnerTerminals } from '../../runner/terminal/terminals.ts'
import { until } from '../support/until.ts'

/** The server's end of a runner's terminals, in the hands of a test. */
export function visitorOf(terminals: RunnerTerminals) {
  const heard: TerminalWord[] = []
  const shown = new Map<number, Buffer[]>()
  /** Whether everything shown is taken for read at once. */
  const reader = { isReading: true }
  terminals.connected({
    say: (word) => heard.push(word),
    send: (frame) => {
      const { terminal, content } = decodeTerminal(frame)!
      shown.set(terminal, [...(shown.get(terminal) ?? []), Buffer.from(content)])
      if (reader.isReading) terminals.obey({ say: 'terminal.room', terminal, bytes: content.length })
    },
  })
  const screen = (terminal: number) => Buffer.concat(shown.get(terminal) ?? []).toString()
  const closing = (terminal: number) =>
    heard.find((word) => word.say === 'terminal.closed' && word.terminal === terminal)
  return {
    heard,
    reader,
    screen,
    closed: (terminal: number) => until(() => closing(terminal)),
    open: (run: RunId, order: Partial<OpenTerminal> & Pick<OpenTerminal, 'terminal'>) =>
      terminals.obey({
        say: 'terminal.open',
        ...{ run, image: null, command: [], columns: 80, rows: 24, ...order },
      }),
    type: (terminal: number, text: string) => terminals.typed(terminal, Buffer.from(text)),
    sees: (terminal: number, text: string | RegExp) =>
      until(() => (typeof text === 'string' ? screen(terminal).includes(text) : text.test(screen(terminal)))),
  }
}
