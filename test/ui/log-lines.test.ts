import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PLAIN } from '../../ui/lib/ansi.ts'
import { KEPT_LINES, LogLines, type LogPiece } from '../../ui/lib/log-lines.ts'

/** Pieces of one step's text, cut where told, as the server would send them. */
function piecesOf(texts: readonly string[], { step = 1, attempt = 1, from = 0 } = {}): LogPiece[] {
  let offset = from
  let firstLine = 0
  return texts.map((text) => {
    const end = offset + Buffer.byteLength(text)
    const piece: LogPiece = {
      say: 'log',
      watch: 1,
      attempt,
      step,
      offset,
      end,
      firstLine,
      text,
      at: '2026-01-01T00:00:00Z',
    }
    offset = end
    firstLine += text.split('\n').length - 1
    return piece
  })
}

function heard(pieces: readonly LogPiece[]): LogLines {
  const log = new LogLines()
  for (const piece of pieces) log.add(piece)
  return log
}

const texts = (log: LogLines, step = 1) => log.linesOf(step).map((line) => line.text)

describe('a log put together from pieces', () => {
  test('joins a line that pieces cut', () => {
    expect(texts(heard(piecesOf(['one\ntw', 'o\nthr', 'ee'])))).toEqual(['one', 'two', 'three'])
  })

  test('numbers lines within each step', () => {
    const log = heard([...piecesOf(['a\nb\n'], { step: 0 }), ...piecesOf(['c\n'], { step: 1 })])
    expect(log.linesOf(0).map((line) => line.number)).toEqual([0, 1])
    expect(log.linesOf(1).map((line) => line.number)).toEqual([0])
    expect(log.total).toBe(3)
  })

  test('keeps empty lines, and makes none of a final line end', () => {
    expect(texts(heard(piecesOf(['\n\na\n'])))).toEqual(['', '', 'a'])
  })

  test('joins the halves of a character outside of the basic plane', () => {
    const [high = '', low = ''] = '🚦'.split('')
    const log = new LogLines()
    const [piece] = piecesOf(['x'])
    if (!piece) throw new Error('no piece')
    log.add({ ...piece, text: high, offset: 0, end: 2 })
    log.add({ ...piece, text: `${low}\n`, offset: 2, end: 5 })
    expect(texts(log)).toEqual(['🚦'])
  })

  test('shows only the last state of a progress bar, however it is cut', () => {
    expect(texts(heard(piecesOf(['10%\r2', '0%\r', '100', '%\r\nnext'])))).toEqual(['100%\r', 'next'])
  })

  test('carries a colour over lines and over a rewritten line', () => {
    const log = heard(piecesOf(['\u001b[31mred\nstill\n\u001b[32m10%\r20%\nafter']))
    expect(log.linesOf(1).map((line) => line.start.ink)).toEqual([
      null,
      { name: 1 },
      { name: 2 },
      { name: 2 },
    ])
    expect(log.linesOf(1)[0]?.start).toEqual(PLAIN)
  })

  test('replaces a line that grows, so that a view notices', () => {
    const log = new LogLines()
    const [first, second] = piecesOf(['a', 'b'])
    if (!first || !second) throw new Error('no pieces')
    log.add(first)
    const before = log.linesOf(1)[0]
    log.add(second)
    expect(before?.text).toBe('a')
    expect(log.linesOf(1)[0]?.text).toBe('ab')
  })
})

describe('a log after a lost connection', () => {
  test('knows the first byte it does not have', () => {
    expect(new LogLines().position).toBeNull()
    expect(heard(piecesOf(['ä\n'])).position).toEqual({ attempt: 1, step: 1, offset: 3 })
  })

  test('takes nothing twice, and cuts a piece of which it has the beginning', () => {
    const log = heard(piecesOf(['äb\nc']))
    log.add(piecesOf(['äb\nc'])[0]!)
    log.add(piecesOf(['äb\ncd\ne'])[0]!)
    expect(texts(log)).toEqual(['äb', 'cd', 'e'])
  })

  test('marks what is missing', () => {
    const log = heard([...piecesOf(['a\n']), ...piecesOf(['z\n'], { from: 12 })])
    expect(log.linesOf(1).map((line) => [line.text, line.missingBytes])).toEqual([
      ['a', undefined],
      ['z', 10],
    ])
  })

  test('starts over with a new attempt, and hears nothing of an old one', () => {
    const log = heard([
      ...piecesOf(['old\n']),
      ...piecesOf(['new\n'], { attempt: 2 }),
      ...piecesOf(['old\nlate\n']),
    ])
    expect(texts(log)).toEqual(['new'])
  })

  test('is the same log, whatever was cut, repeated and sent again', () => {
    const word = fc.constantFrom('a', 'ä', '🚦', '\n', 'line', '\n\n', ' ')
    fc.assert(
      fc.property(
        fc.array(fc.array(word).map((words) => words.join(''))),
        fc.infiniteStream(fc.nat({ max: 3 })),
        (parts, chances) => {
          const pieces = piecesOf(parts)
          const chaotic = pieces.flatMap((piece, at) => [
            ...pieces.slice(Math.max(0, at - (chances.next().value ?? 0)), at),
            piece,
          ])
          const lines = parts.join('').split('\n')
          if (lines.at(-1) === '') lines.pop()
          expect(texts(heard(chaotic))).toEqual(lines)
        },
      ),
    )
  })
})

test('of a step that never stops talking the newest lines are kept, with their true numbers', () => {
  const log = heard(piecesOf(Array.from({ length: 23 }, () => 'x\n'.repeat(KEPT_LINES / 20))))
  expect(log.linesOf(1).length).toBeLessThanOrEqual(KEPT_LINES * 1.1)
  expect(log.total).toBe((KEPT_LINES / 20) * 23)
  expect(log.linesOf(1)[0]?.number).toBe(log.droppedOf(1))
  expect(log.linesOf(1).at(-1)?.number).toBe(log.total - 1)
})
