import { expect, test } from 'vitest'
import { logOf, readLines } from '../../server/logs/read.ts'
import { spokenLog } from '../support/spoken-log.ts'

/** Pages of a run whose steps said these pieces, each of them a chunk. */
async function said(...pieces: readonly (readonly string[])[]) {
  const { run, db, ...log } = await spokenLog(...pieces)
  const page = async (from: number, limit = 1_000) => {
    const { steps } = (await logOf(db, run))!
    return readLines(db, run, { steps, from, limit })
  }
  return { page, ...log }
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
