import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PLAIN } from '../../ui/lib/ansi.ts'
import { LogBook, type LogLine, type LogPiece, PAGE_LINES } from '../../ui/lib/log-book.ts'

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

function heard(pieces: readonly LogPiece[]): LogBook {
  const log = new LogBook()
  for (const piece of pieces) log.add(piece)
  return log
}

const lines = (log: LogBook, step = 1): (LogLine | undefined)[] =>
  Array.from({ length: log.linesOf(step) }, (_, at) => log.at(step, at))
const texts = (log: LogBook, step = 1) => lines(log, step).map((line) => line?.text)

describe('a log put together from pieces', () => {
  test('joins a line that pieces cut', () => {
    expect(texts(heard(piecesOf(['one\ntw', 'o\nthr', 'ee'])))).toEqual(['one', 'two', 'three'])
  })

  test('numbers lines within each step', () => {
    const log = heard([...piecesOf(['a\nb\n'], { step: 0 }), ...piecesOf(['c\n'], { step: 1 })])
    expect(lines(log, 0).map((line) => line?.number)).toEqual([0, 1])
    expect(lines(log, 1).map((line) => line?.number)).toEqual([0])
    expect(log.total).toBe(3)
  })

  test('keeps empty lines, and makes none of a final line end', () => {
    expect(texts(heard(piecesOf(['\n\na\n'])))).toEqual(['', '', 'a'])
  })

  test('joins the halves of a character outside of the basic plane', () => {
    const [high = '', low = ''] = '🚦'.split('')
    const log = new LogBook()
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
    expect(lines(log).map((line) => line?.start.ink)).toEqual([null, { name: 1 }, { name: 2 }, { name: 2 }])
    expect(log.at(1, 0)?.start).toEqual(PLAIN)
  })

  test('replaces a line that grows, so that a view notices', () => {
    const log = new LogBook()
    const [first, second] = piecesOf(['a', 'b'])
    if (!first || !second) throw new Error('no pieces')
    log.add(first)
    const before = log.at(1, 0)
    log.add(second)
    expect(before?.text).toBe('a')
    expect(log.at(1, 0)?.text).toBe('ab')
  })
})

describe('a log after a lost connection', () => {
  test('knows the first byte it does not have', () => {
    expect(new LogBook().position).toBeNull()
    expect(heard(piecesOf(['ä\n'])).position).toEqual({ attempt: 1, ends: [[1, 3]] })
  })

  test('takes nothing twice, and cuts a piece of which it has the beginning', () => {
    const log = heard(piecesOf(['äb\nc']))
    log.add(piecesOf(['äb\nc'])[0]!)
    log.add(piecesOf(['äb\ncd\ne'])[0]!)
    expect(texts(log)).toEqual(['äb', 'cd', 'e'])
  })

  test('what was not heard is read, and does not push aside what was', () => {
    const [, late] = piecesOf(['one\ntwo\nth', 'ree\nfour\nfi'])
    const log = new LogBook()
    log.begin(1)
    log.expect(1, { lines: 3, from: late!.offset })
    log.add(late!)
    expect(texts(log)).toEqual([undefined, undefined, undefined, 'four', 'fi'])
    const read = ['one', 'two', 'three', 'older', 'older'].map((text, line) => ({ line, text, at: '' }))
    log.fill(1, read)
    expect(texts(log)).toEqual(['one', 'two', 'three', 'four', 'fi'])
  })

  test('a line whose beginning was not heard is read when it has an end', () => {
    const [, late] = piecesOf(['begin', 'ning'])
    const log = new LogBook()
    log.expect(1, { lines: 1, from: late!.offset })
    log.add(late!)
    const read = [{ line: 0, text: 'beginning', at: '' }]
    log.fill(1, read)
    expect(texts(log)).toEqual([undefined])
    log.close()
    log.fill(1, read)
    expect(texts(log)).toEqual(['beginning'])
  })

  test('of a step that begins at its first byte nothing is missing', () => {
    const log = new LogBook()
    log.begin(1)
    log.expect(1, { lines: 1, from: 0 })
    for (const piece of piecesOf(['a\nb', 'c\n'])) log.add(piece)
    expect(texts(log)).toEqual(['a', 'bc'])
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

test('a log that never stops keeps what was looked at last, and knows how long it is', () => {
  const log = heard(piecesOf(Array.from({ length: 500 }, () => 'x\n'.repeat(PAGE_LINES))))
  expect(log.linesOf(1)).toBe(500 * PAGE_LINES)
  expect(log.at(1, 0)).toBeUndefined()
  expect(log.at(1, 500 * PAGE_LINES - 1)?.number).toBe(500 * PAGE_LINES - 1)
})
