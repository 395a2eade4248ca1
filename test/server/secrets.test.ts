import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { seal, unseal, wrappingKey } from '../../server/secrets/seal.ts'
import { hand, heardUpTo, work } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const VALUE = 'correct-horse-battery-staple-77'
const FILE = 'jobs: { deploy: { when: push, secrets: [DEPLOY_KEY], run: [env DEPLOY_KEY, say done] } }'
const AT = '/api/v1/projects/shop/secrets'

const set = (house: House, name: string, value: string) => house.ask(`PUT ${AT}/${name}`, { value })

/** Every row of every table as PostgreSQL writes it, bytes included. */
async function everything(house: House): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(house.db)
  const texts = await Promise.all(
    rows.map(async ({ name }) => {
      const all = await sql<{ row: string }>`select t::text as row from ${sql.table(name)} t`.execute(
        house.db,
      )
      return all.rows.map(({ row }) => row).join('\n')
    }),
  )
  return texts.join('\n')
}
const hexOf = (text: string) => Buffer.from(text).toString('hex')

describe('a secret', () => {
  test('can be set, listed, replaced and removed, and its value is never told', async () => {
    await using house = await startHouse()
    await using _ = await hostedProject(house, 'shop')
    const made = await set(house, 'DEPLOY_KEY', VALUE)
    expect(made).toMatchObject({ status: 200, body: { name: 'DEPLOY_KEY', updated_by: 'admin' } })
    await set(house, 'A_FIRST', 'another value')
    const again = await set(house, 'DEPLOY_KEY', `${VALUE}!`)
    expect(again.body.created_at).toBe(made.body.created_at)
    expect(again.body.updated_at > made.body.updated_at).toBe(true)
    const list = await house.ask(`GET ${AT}`)
    expect(list.body.items.map(({ name }: { name: string }) => name)).toEqual(['A_FIRST', 'DEPLOY_KEY'])
    for (const { text } of [made, again, list]) expect(text).not.toContain(VALUE)
    expect((await house.ask(`DELETE ${AT}/DEPLOY_KEY`)).status).toBe(204)
    expect(await house.ask(`DELETE ${AT}/DEPLOY_KEY`)).toMatchObject({
      status: 404,
      body: { code: 'secret-not-found' },
    })
    expect((await house.ask(`GET ${AT}`)).body.items).toHaveLength(1)
  })

  test.each([
    ['too short to be hidden', 'KEY', 'abc', 422, /4/],
    ['a word of every log', 'KEY', 'Docker', 422, /many logs/],
    ['one letter over and over', 'KEY', 'aaaaaaaa', 422, /over and over/],
    ['too long', 'KEY', 'ab'.repeat(40_000), 422, /65536/],
    ['no text', 'KEY', 'abcd\ud800', 422, /base64/],
    ['with a NUL', 'KEY', 'abcd\0efgh', 422, /NUL/],
    ['named like no variable', '1KEY', 'abcdefgh', 422, /DEPLOY_KEY/],
    ['named like one of ours', 'TAKT_LANE', 'abcdefgh', 422, /TAKT_/],
  ])('is refused when it is %s', async (_, name, value, status, words) => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    expect(clone.dir).not.toBe('')
    const refused = await set(house, name, value)
    expect(refused).toMatchObject({ status, text: expect.stringMatching(words) })
    expect((await house.ask(`GET ${AT}`)).body.items).toEqual([])
  })

  test('of a project that there is not is refused', async () => {
    await using house = await startHouse()
    expect((await set(house, 'KEY', VALUE)).body.code).toBe('project-not-found')
  })
})

describe('a sealed value', () => {
  const wrapping = wrappingKey('a key of thirty-two letters, or so')
  const place = { name: 'KEY', bound: [1, 'KEY'] }
  const sealed = seal(VALUE, place, wrapping)
  test('opens at its place with its key', () => expect(unseal(sealed, place, wrapping)).toBe(VALUE))
  test('is sealed otherwise each time', () => expect(seal(VALUE, place, wrapping).equals(sealed)).toBe(false))
  test.each([
    ['with another key', () => unseal(sealed, place, wrappingKey('another')), /TAKT_SECRET_KEY/],
    [
      'under another name',
      () => unseal(sealed, { name: 'OTHER', bound: [1, 'OTHER'] }, wrapping),
      /OTHER.*again/,
    ],
    ['in another project', () => unseal(sealed, { ...place, bound: [2, 'KEY'] }, wrapping), /again/],
    ['cut short', () => unseal(sealed.subarray(0, -1), place, wrapping), /again/],
    ['of nothing', () => unseal(Buffer.alloc(0), place, wrapping), /form/],
    ['of another form', () => unseal(Buffer.concat([Buffer.of(9), sealed]), place, wrapping), /form/],
  ])('does not open %s', (_, open, words) => expect(open).toThrow(words))
  test('does not open with any bit of it changed', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed[at]! ^= 1
      expect(() => unseal(changed, place, wrapping)).toThrow()
    }
  })
})

describe('a run', () => {
  test('gets the secrets that its job asks for, and no others, with its lease only', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await set(house, 'DEPLOY_KEY', VALUE)
    await set(house, 'OTHER_KEY', 'for somebody else')
    await clone.push({ '.takt.yml': FILE })
    await using runner = await hand(house)
    runner.say({ say: 'ready', slots: 1 })
    const { plan } = await until(() => work(runner.heard))
    expect(plan).toMatchObject({ secrets: { DEPLOY_KEY: VALUE }, withheld: [] })
    expect(JSON.stringify(plan)).not.toContain('for somebody else')
    expect(JSON.stringify(plan.env)).not.toContain(VALUE)
    expect((await house.ask('GET /api/v1/runs/1')).text).not.toContain(VALUE)
  })

  test('errors before it begins where a secret is missing, and says how to set it', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await clone.push({ '.takt.yml': FILE })
    await using runner = await hand(house)
    runner.say({ say: 'ready', slots: 1 })
    const { body } = await until(async () => {
      const run = await house.ask('GET /api/v1/runs/1')
      return run.body.state === 'errored' && run
    })
    expect(body.error).toMatchObject({
      code: 'plan_impossible',
      message: expect.stringContaining('takt secrets set shop DEPLOY_KEY'),
    })
  })

  test('errors where the server’s key is not the one that its secrets were stored under', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await set(house, 'DEPLOY_KEY', VALUE)
    const { id } = await house.db.selectFrom('projects').select('id').executeTakeFirstOrThrow()
    const sealed = seal(
      VALUE,
      { name: 'DEPLOY_KEY', bound: [id, 'DEPLOY_KEY'] },
      wrappingKey('another key than the server’s'),
    )
    await house.db.updateTable('secrets').set({ sealed }).execute()
    await clone.push({ '.takt.yml': FILE })
    await using runner = await hand(house)
    runner.say({ say: 'ready', slots: 1 })
    const run = await until(async () => {
      const { body } = await house.ask('GET /api/v1/runs/1')
      return body.state === 'errored' && body
    })
    expect(run.error).toMatchObject({
      code: 'secret_unreadable',
      message: expect.stringMatching(/TAKT_SECRET_KEY/),
    })
  })

  test('of a pull request gets none, whoever starts it, and hears which', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await set(house, 'DEPLOY_KEY', VALUE)
    await clone.push({ '.takt.yml': FILE })
    await using runner = await hand(house)
    runner.say({ say: 'ready', slots: 1 })
    await until(() => work(runner.heard))
    // As if the job had been let through to the lane: the last door must hold by itself.
    await house.db.updateTable('lanes').set({ kind: 'pull_request' }).execute()
    runner.report(1, { kind: 'run.ended', move: 'succeed', error: null, exitCode: null })
    await until(() => heardUpTo(runner.heard) === 1)
    await house.ask('POST /api/v1/runs/1/retry')
    runner.say({ say: 'ready', slots: 1 })
    const plans = () => runner.heard.flatMap((said) => (said.say === 'work' ? [said.plan] : []))
    const second = await until(() => plans()[1])
    expect(second).toMatchObject({ secrets: {}, withheld: ['DEPLOY_KEY'] })
    expect(JSON.stringify(second)).not.toContain(VALUE)
  })
})

test('no table, no event, no log of the server or the runner, and no answer of the API holds a plain secret', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await set(house, 'DEPLOY_KEY', VALUE)
  await using runner = await startRunner(house)
  await clone.push({ '.takt.yml': FILE })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'succeeded')
  const log = await house.ask('GET /api/v1/runs/1/log')
  expect(log.text).toContain('***')
  const rows = await everything(house)
  expect(rows).toContain('DEPLOY_KEY')
  expect(rows).toContain(hexOf('***\n')) // the log's bytes are among what was looked at
  const told = [rows, log.text, (await house.ask('GET /api/v1/runs/1')).text, runner.output()]
  for (const text of told) {
    expect(text).not.toContain(VALUE)
    expect(text).not.toContain(hexOf(VALUE))
    expect(text).not.toContain(Buffer.from(VALUE).toString('base64').slice(0, 12))
  }
  const status = await readFile(`/proc/${runner.process.pid}/cmdline`, 'latin1')
  expect(status + (await readFile(`/proc/${runner.process.pid}/environ`, 'latin1'))).not.toContain(VALUE)
})
