import { expect, test } from 'vitest'
import { spokenLog } from '../support/spoken-log.ts'

/** What a search of a log answers, whose steps said these pieces. */
async function searched(...pieces: readonly (readonly string[])[]) {
  const log = await spokenLog(...pieces)
  const search = (query: Record<string, string>) =>
    log.house.ask(`GET /api/v1/runs/${log.run}/log/search?${new URLSearchParams(query)}`)
  const lines = async (query: Record<string, string>) =>
    (await search(query)).body.lines.map(
      ({ step, line }: { step: number; line: number }) => `${step}:${line}`,
    )
  return { search, lines, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() }
}

const RED = '\u001b[31m'

test('a search finds lines in all steps, however pieces cut them, and each once', async () => {
  await using log = await searched(
    ['one err', 'or\ntwo\nan er', 'ror and an er', 'ror\n', 'last error'],
    ['error\n\nno\n'],
  )
  expect(await log.lines({ q: 'error' })).toEqual(['0:0', '0:2', '0:3', '1:0'])
  expect((await log.search({ q: 'error' })).body).toMatchObject({ attempt: 1, total: 4 })
  expect(await log.lines({ q: 'nowhere' })).toEqual([])
})

test('words are looked for as they are read: without colours, and signs as signs', async () => {
  await using log = await searched([`${RED}fa\u001b[0miled\n`, 'a.b*c\n', 'aXbbc\n'])
  expect(await log.lines({ q: 'failed' })).toEqual(['0:0'])
  expect(await log.lines({ q: 'a.b*c' })).toEqual(['0:1'])
  expect(await log.lines({ q: 'a.b*c', regex: 'true' })).toEqual(['0:2'])
})

test('letters may be capital or small, unless they are asked for exactly', async () => {
  await using log = await searched(['Error\nERROR\nerror\n'])
  expect(await log.lines({ q: 'error' })).toEqual(['0:0', '0:1', '0:2'])
  expect(await log.lines({ q: 'error', exact: 'true' })).toEqual(['0:2'])
})

test('a pattern is asked line by line', async () => {
  await using log = await searched(['a 1\nb 22\n\nc 333\n'])
  expect(await log.lines({ q: '^[a-z] \\d{2,}$', regex: 'true' })).toEqual(['0:1', '0:3'])
  expect(await log.lines({ q: '^', regex: 'true' })).toEqual(['0:0', '0:1', '0:2', '0:3'])
  expect(await log.lines({ q: '^$', regex: 'true' })).toEqual(['0:2'])
})

test('of very many lines all are counted and the first ones told', async () => {
  const many = Array.from({ length: 12_000 }, (_, at) => `line ${at}\n`).join('')
  await using log = await searched([many])
  const { body } = await log.search({ q: 'line' })
  expect([body.total, body.lines.length, body.lines.at(-1)]).toEqual([
    12_000,
    10_000,
    { step: 0, line: 9_999 },
  ])
})

test('what is no pattern is refused in words', async () => {
  await using log = await searched(['a\n'])
  const { status, body } = await log.search({ q: '(a', regex: 'true' })
  expect([status, body.type]).toEqual([422, '/problems/bad-search'])
  expect(body.detail).toContain('`(a` is no regular expression')
})
