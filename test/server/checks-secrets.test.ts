import { expect, test } from 'vitest'
import type { ServerSays } from '#pipelines/wire/runner.ts'
import { type Hand, hand, HELLO } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

type Order = Extract<ServerSays, { say: 'check' }>
const FILE = `resource_types: { odd: { image: "example.org/odd:1" } }
resources: { odd: { type: odd, source: { host: h, key: "k $(secret.KEY)" }, check: 1h } }
jobs: { take: { get: odd, run: x } }
`
const CHECKER = { ...HELLO, name: 'checker', slots: 0, checks: 4 }
const orders = (checker: Hand) => checker.heard.filter((said): said is Order => said.say === 'check')
const ODD = '/api/v1/projects/shop/pipelines/main/resources/odd'
const KEY = 'PUT /api/v1/projects/shop/secrets/KEY'

test('an image is told the secrets that its source names, as they are when it is asked', async () => {
  await using it = await steeredLine(FILE)
  await using checker = await hand(it.house, CHECKER)
  const standing = async () => (await it.house.ask(`GET ${ODD}`)).body.check
  await it.push()
  const error = {
    code: 'secret_missing',
    message: 'the secret `KEY` is not there: set it with `takt secrets set shop KEY`',
  }
  await until(async () => (await standing())?.error !== null)
  expect(await standing()).toMatchObject({ error, running: false })
  expect(orders(checker)).toEqual([])

  for (const [at, value] of ['first', 'second'].entries()) {
    await it.house.ask(KEY, { value })
    await it.house.ask(`POST ${ODD}/check`)
    const order = await until(() => orders(checker)[at])
    expect(order).toMatchObject({ source: { host: 'h', key: `k ${value}` }, hidden: [value] })
    checker.say({
      say: 'checked',
      check: order.check,
      lease: order.lease,
      outcome: { versions: [{ ref: value }] },
    })
    await until(async () => (await standing()).error === null && !(await standing()).running)
  }
  await until(async () => (await it.runs('take')).length > 0)
  const shown = await Promise.all(
    [`GET ${ODD}`, `GET ${ODD}/versions`, 'GET /api/v1/runs'].map((path) => it.house.ask(path)),
  )
  expect(JSON.stringify(shown.map(({ body }) => body.check ?? body))).not.toContain('k first')
})

test('the same source in two projects is two questions, each with its own secrets', async () => {
  await using it = await steeredLine(FILE)
  await using checker = await hand(it.house, CHECKER)
  await it.house.ask(KEY, { value: 'of-shop' })
  await it.push()
  await until(() => orders(checker).length === 1)
  await using other = await hostedProject(it.house, 'other')
  await it.house.ask('PUT /api/v1/projects/other/secrets/KEY', { value: 'of-other' })
  await other.push({ '.takt.yml': FILE })
  await until(() => orders(checker).length === 2)
  expect(orders(checker).map(({ hidden }) => hidden)).toEqual([['of-shop'], ['of-other']])
})
