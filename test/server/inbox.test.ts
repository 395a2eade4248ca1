import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { plainPiece } from '../../server/logs/piece.ts'
import { Inbox } from '../../server/runners/inbox.ts'
import type { Report } from '../../server/runners/report.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const entry = (run: number, said: Report['said']): Report => ({
  run: run as RunId,
  lease: `lease ${run}`,
  seq: 1,
  cameMs: 0,
  said,
})
const LONG = 'x'.repeat(5_000)
const piece = (text = LONG, run = 1) =>
  entry(run, { kind: 'log', step: 1, piece: plainPiece(Buffer.from(text)) })
const started = (run = 1) => entry(run, { kind: 'step.started', step: 1 })

/** An inbox from which a long piece was just taken. */
async function inAFlood() {
  const inbox = new Inbox<{ say: 'ready' }>()
  inbox.push(piece())
  await inbox.next()
  const taken: unknown[] = []
  const take = () => void inbox.next().then((next) => taken.push(next))
  return { inbox, taken, take }
}

test('the first piece after a quiet time is taken at once', async () => {
  const { inbox } = await inAFlood()
  vi.advanceTimersByTime(100)
  inbox.push(piece('later'))
  expect(await inbox.next()).toHaveLength(1)
})

test('what follows a short piece is taken at once', async () => {
  const inbox = new Inbox<{ say: 'ready' }>()
  for (const text of ['Engine: docker', 'hello']) {
    inbox.push(piece(text))
    expect(await inbox.next()).toEqual([piece(text)])
  }
})

test('of a flood the pieces of 50 ms are taken together', async () => {
  const { inbox, taken, take } = await inAFlood()
  inbox.push(piece())
  take()
  await vi.advanceTimersByTimeAsync(20)
  inbox.push(piece())
  inbox.push(piece())
  expect(taken).toEqual([])
  await vi.advanceTimersByTimeAsync(30)
  expect(taken).toEqual([[piece(), piece(), piece()]])
})

test.each([
  ['an entry', started()],
  ['an order', { say: 'ready' as const }],
  ['another run’s piece', piece(LONG, 2)],
  ['as much as one transaction takes', piece('x'.repeat(4 * 2 ** 20))],
])('%s that comes meanwhile waits for nothing', async (_, other) => {
  const { inbox, taken, take } = await inAFlood()
  inbox.push(piece())
  take()
  inbox.push(other)
  await vi.advanceTimersByTimeAsync(0)
  expect(taken).toHaveLength(1)
})

test('what runs say in turns is taken run by run, each in its order', async () => {
  const inbox = new Inbox<{ say: 'ready' }>()
  const said = ['a', 'b', 'c'].flatMap((text) => [piece(text, 1), piece(text, 2)])
  for (const report of said) inbox.push(report)
  expect(await inbox.next()).toEqual([piece('a', 1), piece('b', 1), piece('c', 1)])
  expect(await inbox.next()).toEqual([piece('a', 2), piece('b', 2), piece('c', 2)])
})

test('nothing of a run is taken before an order that came before it, or together with another lease', async () => {
  const inbox = new Inbox<{ say: 'ready' }>()
  const later = { ...piece('of a new lease'), lease: 'another' }
  for (const each of [piece('a', 1), piece('b', 2), later, piece('c', 1)]) inbox.push(each)
  inbox.push({ say: 'ready' })
  inbox.push(piece('d', 2))
  const taken = []
  while (taken.length < 6) taken.push(await inbox.next())
  expect(taken).toEqual([
    [piece('a', 1)],
    [piece('b', 2)],
    [later],
    [piece('c', 1)],
    { say: 'ready' },
    [piece('d', 2)],
  ])
})

test('what cannot be written down any more is waited for no longer', async () => {
  const { inbox, taken, take } = await inAFlood()
  inbox.push(piece())
  take()
  inbox.clear()
  await vi.advanceTimersByTimeAsync(0)
  expect(taken).toEqual([undefined])
})
