import { expect, test } from 'vitest'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

const BOTH = `resources: { src: { git: . }, flags: { params: { A: "1" } } }
jobs: { build: { get: src, run: x }, test: { get: [src, flags], run: x } }
`

test(
  'what is removed is listed, and its history goes when its name is typed once more',
  { timeout: 60_000 },
  async () => {
    await using it = await steeredLine(BOTH)
    const env = { TAKT_URL: it.house.url, TAKT_TOKEN: it.house.token }
    const takt = (...args: string[]) => outcomeOf(startTakt(['removed', ...args], { env }))
    await it.push()
    const run = await it.end('test', 'succeed')
    expect(await takt('list', 'shop')).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringContaining('nothing is removed'),
    })
    const sha = await it.push({
      '.takt.yml': 'resources: { src: { git: . } }\njobs: { build: { get: src, run: x } }\n',
    })
    const { out } = await takt('list', 'shop')
    expect(out).toMatch(new RegExp(`job +shop/main/test .*${sha}\\S* +#1 \\(run ${run}\\)`))
    expect(out).toMatch(/resource +shop\/main\/flags /)
    expect(JSON.parse((await takt('list', 'shop', '--json')).out)).toMatchObject({
      items: [{ deleting: false }, {}],
    })
    expect(await takt('delete', 'shop/main/test')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--confirm'),
    })
    expect((await takt('delete', 'shop/main/test', '--confirm', 'tset')).code).toBe(2)
    expect(await takt('delete', 'shop/main/test', '--confirm', 'test')).toMatchObject({
      ...{ code: 0, err: expect.stringContaining('the history of shop/main/test is being deleted') },
    })
    expect((await takt('delete', 'shop/main/flags', '--resource', '--confirm', 'flags', '--json')).code).toBe(
      0,
    )
    await until(async () => (await takt('list', 'shop')).err.includes('nothing is removed'))
  },
)
