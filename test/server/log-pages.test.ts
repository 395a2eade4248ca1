import { expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { appendLog } from '../../server/logs/append.ts'
import { plainPiece } from '../../server/logs/piece.ts'
import { logOf, readLines } from '../../server/logs/read.ts'
import { steeredLine } from '../support/steer.ts'

const STEPS = ['first', 'second']

/** A run whose steps said these pieces, each of them a chunk. */
async function said(...pieces: readonly (readonly string[])[]) {
  const line = await steeredLine('jobs: { test: { run: x } }')
  const { db } = line.house
  await line.push()
  const run = (await line.claim())!.id
  await db.deleteFrom('steps').where('run_id', '=', run).execute()
  for (const [step, words] of pieces.entries()) {
    const at = { run, attempt: 1, step }
    await db
      .insertInto('steps')
      .values({ run_id: run, attempt: 1, step, name: STEPS[step]!, state: 'running' })
      .execute()
    for (const piece of words)
      await db.transaction().execute((tx) => appendLog(tx, at, [plainPiece(Buffer.from(piece))]))
  }
  const page = async (from: number, limit = 1_000) => {
    const { steps } = (await logOf(db, run as RunId))!
    return readLines(db, run, { attempt: 1, steps, from, limit })
  }
  return { page, [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() }
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`)

test('a page that is cut short in a step ends there, and the pages together have every line once', async () => {
  await using log = await said(lines(150), ['of the second step\n'])
  const all: { line: number; text: string }[] = []
  const sizes: number[] = []
  for (let from = 0; ;) {
    const page = await log.page(from)
    if (page.length === 0) break
    sizes.push(page.length)
    all.push(...page)
    from = page.at(-1)!.line + 1
  }
  expect(sizes.length).toBeGreaterThan(1)
  expect(all.map(({ line }) => line)).toEqual(Array.from({ length: 151 }, (_, index) => index))
  expect(all.map(({ text }) => `${text}\n`)).toEqual([...lines(150), 'of the second step\n'])
})

test('a line of more chunks than a page holds is cut, and does not keep its readers from what follows', async () => {
  await using log = await said(['before\nlong: ', ...Array.from({ length: 100 }, () => 'x'), '\nafter\n'])
  const first = await log.page(0)
  expect(first.map(({ text }) => text)).toEqual(['before'])
  const [long] = await log.page(1)
  expect(long).toMatchObject({ line: 1, text: expect.stringMatching(/^long: x{50,}$/) })
  expect((await log.page(2)).map(({ line }) => line)).toEqual([2])
})
