import { SaxesParser } from 'saxes'
import { describe, expect, test } from 'vitest'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { badgeLook, drawBadge } from '#pipelines/statuses/badge.ts'
import { cctray } from '#pipelines/statuses/cctray.ts'
import { VERDICTS } from '#pipelines/statuses/verdict.ts'
import { person } from '../support/people.ts'
import { steeredLine as line } from '../support/steer.ts'

const CHAIN = `triggers: { push: ['**'] }
jobs:
  build: { run: x }
  audit: { run: x, allow_failure: true }
  test: { needs: build, run: x, matrix: { node: [20, 22] } }
  ship: { when: manual, run: x }
`
const BADGE = '/api/v1/projects/shop/pipelines/main/badge.svg'

type Element = { readonly name: string; readonly attributes: Readonly<Record<string, string>>; text: string }
/** The elements of a well-formed document; anything else throws. */
function elementsOf(xml: string): Element[] {
  const parser = new SaxesParser()
  const [all, open]: Element[][] = [[], []]
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes: attributes as Record<string, string>, text: '' }
    all!.push(element)
    open!.push(element)
  })
  parser.on('text', (text) => {
    if (open!.at(-1)) open!.at(-1)!.text += text
  })
  parser.on('closetag', () => void open!.pop())
  parser.write(xml).close()
  return all!
}
const titleOf = (svg: string) => elementsOf(svg).find(({ name }) => name === 'title')!.text

test('the file of these tests is carried out', () => {
  expect(parseForRunning(CHAIN).diagnostics).toEqual([])
})

describe('a badge', () => {
  test('has a look for every verdict, and says the same to eyes and to readers of screens', () => {
    const states = VERDICTS.map((verdict) => {
      const look = badgeLook(verdict)
      const [svg] = elementsOf(drawBadge('shop/main', look))
      expect(svg!.attributes).toMatchObject({ role: 'img', 'aria-label': `shop/main: ${look.word}` })
      return look.state
    })
    expect(new Set(states)).toEqual(new Set(['green', 'red', 'amber', 'running', 'none']))
  })

  test('is a well-formed image whatever the names in it are, and no wider than it must be', () => {
    for (const about of ['</title><script>x</script>', `"'&\u0000\u001b\ud800`, 'ä😀'.repeat(300)]) {
      const svg = drawBadge(about, badgeLook('succeeded'))
      expect(elementsOf(svg).map(({ name }) => name)).not.toContain('script')
      expect(Number(elementsOf(svg)[0]!.attributes['width'])).toBeLessThan(600)
    }
    expect(titleOf(drawBadge('a<b', badgeLook('failed')))).toBe('a<b: failing')
  })

  test('tells how the line stands, or one job of it, by the newest runs', async () => {
    await using it = await line(CHAIN)
    const told = async (query = '') => titleOf((await it.house.ask(`GET ${BADGE}${query}`)).text)
    await it.push()
    expect(await told('?job=build')).toBe('shop/main/build: queued')
    await it.end('build', 'succeed')
    await it.end('audit', 'fail')
    expect(await told()).toBe('shop/main: running')
    const [one, other] = await it.runs('test')
    await it.endRun(one!.id, 'succeed')
    await it.endRun(other!.id, 'succeed')
    expect(await told()).toBe('shop/main: failure allowed')
    expect(await told('?job=build')).toBe('shop/main/build: passing')
    expect(await told('?job=test&lane=main')).toBe('shop/main/test @ main: passing')
    expect(await told('?job=ship')).toBe('shop/main/ship: no runs')
    await it.push({}, 'next')
    await it.end('build', 'fail')
    await it.end('audit', 'succeed')
    expect(await told('?lane=next')).toBe('shop/main @ next: failing')
    expect(await told('?job=audit')).toBe('shop/main/audit: failure allowed')
  })

  test('is cached for a moment, is not sent twice, and may be shown by other sites', async () => {
    await using it = await line(CHAIN)
    await it.push()
    const seen = await it.house.ask(`GET ${BADGE}`)
    expect(seen.headers.get('content-type')).toMatch(/^image\/svg\+xml/)
    expect(seen.headers.get('cache-control')).toBe('private, max-age=30')
    expect(seen.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    const again = { headers: { 'if-none-match': seen.headers.get('etag')! } }
    const unchanged = await it.house.ask(`GET ${BADGE}`, undefined, again)
    expect([unchanged.status, unchanged.text]).toEqual([304, ''])
    await it.end('audit', 'succeed')
    await it.end('build', 'fail')
    expect((await it.house.ask(`GET ${BADGE}`, undefined, again)).status).toBe(200)
    const page = await it.house.ask('GET /api/v1/projects')
    expect(page.headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })

  test('is for who sees the project: of a public one for anybody, else what one may not see is not there', async () => {
    await using it = await line(CHAIN)
    await it.push()
    const { token: stranger } = await person(it.house, 'eve')
    const status = async (as: string | null, query = '') =>
      (await it.house.ask(`GET ${BADGE}${query}`, undefined, { as })).status
    expect([await status(null), await status(stranger)]).toEqual([401, 404])
    await it.house.db.updateTable('projects').set({ public: true }).execute()
    const open = await it.house.ask(`GET ${BADGE}`, undefined, { as: null })
    expect([open.status, open.headers.get('cache-control')]).toEqual([200, 'public, max-age=30'])
    expect([await status(null, '?job=none'), await status(null, '?lane=none')]).toEqual([404, 404])
    expect(await status(null, `?job=${'x'.repeat(200)}`)).toBe(422)
  })
})

describe('the CCTray feed', () => {
  type Line = Awaited<ReturnType<typeof line>>
  const feed = (it: Line, authorization?: string) =>
    it.house.ask('GET /cctray.xml', undefined, { as: null, headers: authorization ? { authorization } : {} })
  const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`
  const projects = async (it: Line) => {
    const { text, headers } = await feed(it, basic(it.house.token))
    expect(headers.get('content-type')).toMatch(/^application\/xml/)
    const [root, ...rest] = elementsOf(text)
    expect([root!.name, new Set(rest.map(({ name }) => name))]).toEqual(['Projects', new Set(['Project'])])
    return rest.map(({ attributes }) => attributes)
  }

  test('tells of each job what it does, how it ended last and when, and where to look', async () => {
    await using it = await line(CHAIN)
    expect((await feed(it, basic(it.house.token))).text).toMatch(/<Projects>\s*<\/Projects>/)
    await it.push()
    const [build, audit, test, ship] = await projects(it)
    expect(build).toMatchObject({ name: 'shop/main/build', activity: 'Building', lastBuildStatus: 'Unknown' })
    expect([test!['activity'], ship!['activity']]).toEqual(['Sleeping', 'Sleeping'])
    expect(audit!['webUrl']).toBe(`${it.house.url}/p/shop/main?job=audit`)
    await it.end('build', 'succeed')
    await it.end('audit', 'cancel')
    await it.end('test', 'succeed', -1)
    await it.end('test', 'fail', -2)
    const told = async () =>
      (await projects(it)).map(
        (job) => `${job['activity']} ${job['lastBuildStatus']} ${job['lastBuildLabel']}`,
      )
    expect(await told()).toEqual([
      'Sleeping Success 1',
      'Sleeping Exception 1',
      expect.stringMatching(/^Sleeping Failure \d$/),
      'Sleeping Unknown ',
    ])
    const [ended] = await projects(it)
    expect(ended!['lastBuildTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Math.abs(Date.now() - Date.parse(ended!['lastBuildTime']!))).toBeLessThan(60_000)
    await it.push()
    expect((await told())[0]).toBe('Building Success 1')
  })

  test('is for tokens, as a password or a bearer, and asks for one where it has nothing to show', async () => {
    await using it = await line(CHAIN)
    await it.push()
    const { token: stranger } = await person(it.house, 'eve')
    const { token: viewer } = await person(it.house, 'ann', { role: 'viewer', project: 'shop' })
    for (const [shown, status, jobs] of [
      [undefined, 401, 0],
      [basic('takt_wrong'), 401, 0],
      ['Basic !', 401, 0],
      ['Bearer takt_wrong', 401, 0],
      [basic(stranger), 200, 0],
      [basic(viewer), 200, 4],
      [`Bearer ${viewer}`, 200, 4],
    ] as const) {
      const answer = await feed(it, shown)
      expect([shown, answer.status, answer.text.split('<Project ').length - 1]).toEqual([shown, status, jobs])
      expect(answer.headers.get('www-authenticate')?.startsWith('Basic realm=') ?? false).toBe(status === 401)
    }
    await it.house.db.updateTable('projects').set({ public: true }).execute()
    expect((await feed(it)).text.split('<Project ').length - 1).toBe(4)
  })

  test('is well formed whatever the names in it are', () => {
    const job = { name: `a"<b>&'\u0007`, verdict: 'skipped', last: null, url: 'https://x/?a=1&b=2' } as const
    expect(elementsOf(cctray([job]))[1]!.attributes).toMatchObject({ name: `a"<b>&'\ufffd`, webUrl: job.url })
  })
})
