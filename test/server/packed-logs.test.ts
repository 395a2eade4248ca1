import { zstdCompressSync } from 'node:zlib'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { countLines, encodeLog, isOpen, type Packed } from '#pipelines/wire/log-frames.ts'
import { chunksFrom, logOf, readLines, wholeLog } from '../../server/logs/read.ts'
import { heardUpTo, withWork } from '../support/hand.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const STEP = 1
const countsOf = (said: Buffer): Packed => ({
  bytes: said.length,
  lines: countLines(said),
  open: isOpen(said),
})
const numbered = (from: number, to: number) =>
  Buffer.from(Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join(''))

/** A runner in the middle of a step, and what readers see of that step. */
async function inAStep(house: House) {
  const { runner, lease, plan } = await withWork(house)
  const { run } = plan
  let seq = 0
  runner.report(++seq, { kind: 'step.started', step: STEP })
  const at = { attempt: 1, step: STEP, offset: 0 }
  return {
    run,
    runner,
    plain: (said: Buffer) => runner.send(encodeLog({ run, lease, seq: ++seq, step: STEP }, said)),
    packed: (said: Buffer, { of = countsOf(said), as = zstdCompressSync(said) } = {}) =>
      runner.send(encodeLog({ run, lease, seq: ++seq, step: STEP, packed: of }, as)),
    heard: () => until(() => heardUpTo(runner.heard) === seq),
    whole: async () => Buffer.concat(await Array.fromAsync(wholeLog(house.db, run, 1))).toString(),
    chunks: () => chunksFrom(house.db, run, at, 1_000),
    lines: async (from: number, limit: number) => {
      const { steps } = (await logOf(house.db, run))!
      return readLines(house.db, run, { steps, from, limit })
    },
  }
}

test('a log that comes packed is stored as it came, and read as it was said: whole, by lines and by offsets', async () => {
  await using house = await startHouse()
  const step = await inAStep(house)
  const [first, second] = [numbered(0, 4_000), numbered(4_000, 9_000)]
  const half = second.indexOf('line 7000') + 3 // a piece may end anywhere
  step.plain(Buffer.from('begin\n'))
  step.packed(first)
  step.packed(second.subarray(0, half))
  step.plain(second.subarray(half, half + 10))
  step.packed(second.subarray(half + 10))
  await step.heard()

  const all = `begin\n${first}${second}`
  expect(await step.whole()).toBe(all)
  const page = await step.lines(6_990, 20)
  expect(page.map(({ line, text }) => [line, text])).toEqual(
    Array.from({ length: 20 }, (_, index) => [6_990 + index, `line ${6_989 + index}`]),
  )
  expect((await step.lines(0, 5_000)).length).toBe(5_000)
  const chunks = await step.chunks()
  for (const [index, chunk] of chunks.entries())
    expect(chunk.firstByte).toBe(chunks.slice(0, index).reduce((sum, { bytes }) => sum + bytes.length, 0))
  const { rows } = await sql<{
    stored: number
  }>`select sum(length(bytes))::int as stored from log_chunks`.execute(house.db)
  expect(rows[0]!.stored).toBeLessThan(all.length / 3)
})

test('a log stored before logs came packed is read as ever', async () => {
  await using house = await startHouse()
  const step = await inAStep(house)
  step.plain(numbered(0, 3_000))
  await step.heard()
  await sql`update log_chunks set raw_bytes = null, raw_lines = null`.execute(house.db)
  step.packed(numbered(3_000, 5_000))
  await step.heard()
  expect(await step.whole()).toBe(numbered(0, 5_000).toString())
  expect((await step.lines(2_999, 2)).map(({ text }) => text)).toEqual(['line 2999', 'line 3000'])
})

const SAID = numbered(0, 2_000)
test.each([
  ['no packed bytes', { as: Buffer.from('not packed at all') }],
  ['cut off', { as: zstdCompressSync(SAID).subarray(0, 200) }],
  ['more than was said', { as: zstdCompressSync(Buffer.alloc(100_000_000, 'x\n')) }],
  ['less than was said', { as: zstdCompressSync(SAID.subarray(0, 1_000)) }],
  ['other lines than were said', { of: { ...countsOf(SAID), lines: 1_999 } }],
])(
  'of a piece that holds %s its readers are told in words, and the rest stays where it is',
  async (_, lie) => {
    await using house = await startHouse()
    const step = await inAStep(house)
    step.plain(Buffer.from('before\n'))
    step.packed(SAID, lie)
    step.plain(Buffer.from('after\n'))
    await step.heard()

    const { lines } = 'of' in lie ? lie.of : countsOf(SAID)
    const whole = await step.whole()
    expect(whole).toMatch(/^before\n\[A part of the log cannot be shown: [^\n]+\n+after\n$/)
    expect(whole.length).toBe('before\n'.length + SAID.length + 'after\n'.length)
    expect(countLines(Buffer.from(whole))).toBe(lines + 2)
    expect(await step.lines(lines + 1, 10)).toMatchObject([{ line: lines + 1, text: 'after' }])
  },
)

test('packed log that says it is more than a piece may be ends the connection', async () => {
  await using house = await startHouse()
  const step = await inAStep(house)
  await step.heard()
  step.packed(SAID, { of: { bytes: 1_000_000_000, lines: 1, open: true } })
  expect(await step.runner.closed).toBe(1008)
})

test('a flood of log is written down in few transactions, and what ends it at once', async () => {
  await using house = await startHouse()
  const step = await inAStep(house)
  await step.heard()
  const pieces = 60
  for (let piece = 0; piece < pieces; piece++) {
    step.packed(numbered(piece * 500, piece * 500 + 500))
    await new Promise((resolve) => setImmediate(resolve)) // each is received for itself
  }
  await step.heard()
  expect(await step.whole()).toBe(numbered(0, pieces * 500).toString())
  const { rows } = await sql<{ count: number }>`
    select count(distinct xmin::text)::int as count from log_chunks`.execute(house.db)
  expect(rows[0]!.count).toBeLessThan(pieces / 3)
})
