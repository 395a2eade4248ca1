import { expect, test } from 'vitest'
import { fieldsOfEvent } from '../../server/versions/take-event.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = '/api/v1/projects/shop/pipelines/main/resources'

test('values that a person sets are a version, and start who gets it; values of the file come through beside them', async () => {
  const file = (
    size: string,
  ) => `resources: { src: { git: . }, settings: { params: { REGION: eu, SIZE: "${size}" } } }
jobs: { apply: { get: settings, run: x } }
`
  await using it = await steeredLine(file('1'))
  await it.push()
  expect((await it.runs('apply')).map(({ inputs }) => inputs)).toEqual([['settings 1']])
  const set = (values: object) => it.house.ask(`PUT ${LINE}/settings/params`, { set: values })
  expect((await set({ REGION: 'us' })).body).toEqual({ version: '2', fields: { REGION: 'us', SIZE: '1' } })
  expect((await set({ REGION: 'us' })).body.version).toBe('2')
  await it.clone.push({ '.takt.yml': file('9') })
  expect((await it.runs('apply')).map(({ inputs }) => inputs).flat()).toEqual([
    'settings 1',
    'settings 2',
    'settings 3',
  ])
  expect((await set({ SIZE: '9' })).body).toEqual({ version: '3', fields: { REGION: 'us', SIZE: '9' } })
  expect(await set({ 'a b': 'c' })).toMatchObject({ status: 422, body: { code: 'invalid-request' } })
  expect(await it.house.ask(`PUT ${LINE}/src/params`, { set: { A: 'b' } })).toMatchObject({
    status: 422,
    body: { code: 'bad-put' },
  })
})

test('an event is a version of each resource that asks for one like it, once however often it is told', async () => {
  await using it = await steeredLine(`resources:
  src: { git: . }
  pushed: { event: { source: registry, if: { action: push, repo.name: [shop, cart] } } }
  any: { event: { source: registry } }
  other: { event: { source: tracker } }
jobs:
  scan: { get: pushed, run: x }
  count: { get: any, run: x }
  triage: { get: other, run: x }
`)
  await it.push()
  const tell = (body: object, id: string) =>
    it.house.ask('POST /api/v1/projects/shop/events/registry', body, { headers: { 'x-takt-delivery': id } })
  const both = [
    { pipeline: 'main', resource: 'pushed' },
    { pipeline: 'main', resource: 'any' },
  ]
  const shop = { action: 'push', repo: { name: 'shop' } }
  expect(await tell(shop, 'e1')).toMatchObject({ status: 200, body: { id: 'e1', versions: both } })
  expect((await tell(shop, 'e1')).body.versions).toEqual([])
  expect((await tell({ action: 'delete', repo: { name: 'shop' } }, 'e2')).body.versions).toEqual(
    both.slice(1),
  )
  expect((await it.runs()).map(({ job, inputs }) => [job, ...inputs])).toEqual([
    ['scan', 'pushed e1'],
    ['count', 'any e1'],
    ['count', 'any e2'],
  ])
  expect(await it.house.ask('POST /api/v1/projects/none/events/registry', {})).toMatchObject({ status: 404 })
})

test('of an event’s body is handed on what a variable can hold', () => {
  const body = { a: { b: 1, c: [true, null] }, 'x y': 1, long: 'x'.repeat(30_000) }
  expect(fieldsOfEvent(body)).toEqual({ 'a.b': '1', 'a.c.0': 'true', 'a.c.1': '' })
  expect(
    Object.keys(fieldsOfEvent(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i]))))
      .length,
  ).toBe(200)
})
