import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { outcomeOf, startTakt } from '../command/run-takt.ts'
import { killableShop } from '../support/killable.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

type Asked = {
  readonly method: string
  readonly url: string
  readonly key: string
  readonly token: string
  readonly body: string
}
const ENDED = /succeeded|failed|errored|cancelled/

/** A service of others, which remembers what it was asked. */
async function service(answer: (asked: readonly Asked[], response: ServerResponse) => void) {
  const asked: Asked[] = []
  const heard = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request
    const header = (name: string) => String(headers[name] ?? '')
    const body = await text(request)
    asked.push({ method, url, key: header('idempotency-key'), token: header('authorization'), body })
    answer(asked, response)
  }
  const http = createServer((request, response) => void heard(request, response))
  const { promise, resolve } = Promise.withResolvers<void>()
  http.listen(0, '127.0.0.1', resolve)
  await promise
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    ...{ asked, host, url: `http://${host}` },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  }
}
const say = (response: ServerResponse, status: number, body: unknown) =>
  void response.writeHead(status).end(JSON.stringify(body))

/** A project `shop` whose lines may call `other`. */
async function shop(file: string, other: { readonly host: string; readonly url: string }) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse({ TAKT_ALLOW_HOSTS: other.host }))
  const clone = stack.use(await hostedProject(house, 'shop'))
  await house.ask('PUT /api/v1/projects/shop/secrets/DEPLOY_TOKEN', { value: 'a-token-of-weight' })
  const headers = { authorization: 'Bearer $(secret.DEPLOY_TOKEN)' }
  const url = `${other.url}/api/`
  const declared = await house.ask('PUT /api/v1/projects/shop/services/deployer', { url, headers })
  expect(declared).toMatchObject({ status: 200, body: { name: 'deployer', url, headers } })
  await house.ask('PUT /api/v1/projects/shop/services/inside', { url: 'http://127.0.0.1:4321' })
  await clone.push({ '.takt.yml': file })
  await until(async () => (await house.ask('GET /api/v1/projects/shop/pipelines/main')).status === 200)
  const start = async (job: string): Promise<number> =>
    (await house.ask(`POST /api/v1/projects/shop/pipelines/main/jobs/${job}/runs`, {})).body.id
  const gates = async (run: number) => (await house.ask(`GET /api/v1/gates?run=${run}`)).body.items
  const ended = (run: number) =>
    until(
      async () => {
        const found = (await house.ask(`GET /api/v1/runs/${run}`)).body
        return ENDED.test(found.state) && found
      },
      { withinMs: 30_000, everyMs: 30 },
    )
  return { house, start, gates, ended, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a service is asked again under the same key while it is away, and what it answers becomes values', async () => {
  await using other = await service((asked, response) => {
    if (asked.length === 1) return say(response, 503, {})
    const back = asked.length === 2 ? JSON.parse(asked[1]!.body).back : undefined
    if (back) void fetch(back, { method: 'POST', body: '{"host":"b"}' })
    say(response, 200, { back, state: 'taken', deploys: [{ id: 42 }], echo: asked[0]?.token })
  })
  await using it = await shop(
    `
jobs:
  ship:
    steps:
      - run: say built
      - call:
          service: deployer
          method: POST
          path: /deploys?lane=$(takt.lane)
          body: '{"run":"$(takt.run)","back":"$(callback-url.done)"}'
          expect: { json: { state: [taken, done] } }
          outputs: { deploy: deploys.0.id, said: echo }
      - { call: { service: deployer, path: /deploys/$(input.deploy) }, timeout: 10s, retry: 1 }
      - wait: { callback: done, within: 1h }
      - run: [env INPUT_DEPLOY, env INPUT_SAID, env CALLBACK_DONE_HOST]
`,
    other,
  )
  await using _ = await startRunner(it.house)
  const run = 1
  expect((await it.ended(run)).state).toBe('succeeded')
  expect((await it.house.ask('GET /api/v1/runs/1/log')).text).toMatch(/built\n[^]*42\nBearer \*\*\*\nb\n/)
  const [first, second, third] = other.asked
  expect(first).toMatchObject({
    method: 'POST',
    url: '/api/deploys?lane=main',
    token: 'Bearer a-token-of-weight',
  })
  expect(JSON.parse(first!.body).run).toBe(String(run))
  expect(second).toEqual(first)
  expect(third).toMatchObject({ method: 'GET', url: '/api/deploys/42' })
  expect(third!.key).not.toBe(first!.key)
  const gate = (await it.gates(run)).find(({ act }: { act: { method: string } }) => act.method === 'POST')
  expect(gate).toMatchObject({ kind: 'call', state: 'passed' })
  expect(gate.act.attempts).toMatchObject([
    { attempt: 1, state: 'errored', status: 503, words: 'it answered 503, and 200 to 299 is expected' },
    { attempt: 2, state: 'good', status: 200, words: null },
  ])
  expect(gate.act.attempts[1].answer).toContain('Bearer ***')
  expect(gate.act.attempts[1].answer).toMatch(/callbacks\/\d+\/\*\*\*"/)
})

test('a call that cannot come to its end fails its run in words', async () => {
  await using other = await service((_asked, response) => say(response, 200, { state: 'broken' }))
  const get = 'get: { src: { trigger: false } }'
  await using it = await shop(
    `
jobs:
  other: { ${get}, steps: [{ call: { service: deployer, expect: { json: { state: live } } } }] }
  status: { ${get}, steps: [{ call: { service: deployer, expect: 201 } }] }
  lacks: { ${get}, steps: [{ call: { service: deployer, outputs: { id: data.id } } }] }
  inside: { ${get}, steps: [{ call: { service: inside } }] }
  nothing: { ${get}, steps: [{ call: { service: nothing } }] }
  out: { ${get}, steps: [{ call: { service: deployer, path: /../admin } }] }
`,
    other,
  )
  const error = async (job: string) => {
    const { state, error: said } = await it.ended(await it.start(job))
    return [state, said.code, said.message]
  }
  expect(await error('other')).toEqual([
    ...['failed', 'unexpected_answer', 'deployer: `state` of its answer is `broken`, and `live` is expected'],
  ])
  expect((await error('status'))[2]).toBe('deployer: it answered 200, and 201 is expected')
  expect((await error('lacks'))[2]).toContain('no text, number or truth at `data.id`, for `id`')
  const inside = await error('inside')
  expect(inside).toEqual([
    'errored',
    'call_refused',
    expect.stringContaining('TAKT_ALLOW_HOSTS=127.0.0.1:4321'),
  ])
  expect((await error('nothing'))[2]).toContain('takt services set shop/nothing <url>')
  expect((await error('out'))[2]).toContain('the path leads out of the service')
  expect(other.asked).toHaveLength(3)
})

test('a policy that keeps a secret from a lane keeps it from the services that are called there, too', async () => {
  await using other = await service((_asked, response) => say(response, 200, {}))
  await using it = await shop(
    'jobs: { ship: { get: { src: { trigger: false } }, steps: [{ call: { service: deployer } }] } }',
    other,
  )
  const source =
    "- { name: production, effect: deny, secret: 'DEPLOY_*', lanes: main, message: not from here }"
  const set = await it.house.ask('PUT /api/v1/organizations/default/policies', { source })
  expect(set.status).toBe(200)
  const words =
    'the secret `DEPLOY_TOKEN` of the job `ship` is denied by the policy `production`: not from here'
  const { state, error } = await it.ended(await it.start('ship'))
  expect({ state, error }).toMatchObject({ state: 'errored', error: { message: `deployer: ${words}` } })
  expect(other.asked).toEqual([])
  const { items } = (await it.house.ask('GET /api/v1/audit?actor=policies')).body
  expect(items).toMatchObject([{ outcome: 'denied', reason: words }])
})

test('a server that is killed before it hears the answer sends the request again, under the same key', async () => {
  await using other = await service((asked, response) => asked.length > 1 && say(response, 200, {}))
  await using it = await killableShop({ TAKT_ALLOW_HOSTS: other.host })
  const { db, server, ask, clone } = it
  await ask('PUT', 'projects/shop/services/deployer', { url: other.url })
  await clone.push({
    '.takt.yml': 'jobs: { ship: { steps: [{ call: { service: deployer, method: POST } }] } }\n',
  })
  await until(() => other.asked.length === 1, { withinMs: 60_000, everyMs: 50 })
  await server.kill()
  await sql`update acts set taken_until = now()`.execute(db) // nobody waits for its time to run out
  await server.restart()
  const run = await until(
    async () => {
      const found = await ask('GET', 'runs/1')
      return ENDED.test(found.state) && found
    },
    { withinMs: 60_000, everyMs: 50 },
  )
  expect(run.state).toBe('succeeded')
  expect(other.asked).toHaveLength(2)
  expect(other.asked[1]!.key).toBe(other.asked[0]!.key)
  expect(other.asked[0]!.key).toMatch(/^[0-9a-f-]{36}$/)
  expect((await ask('GET', 'gates/1')).act.attempts).toMatchObject([
    { state: 'lost', words: 'the server was stopped before an answer came' },
    { state: 'good', status: 200 },
  ])
}, 180_000)

test('services are declared by maintainers, on record, and hold no secret themselves', async () => {
  await using house = await startHouse()
  await using _ = await hostedProject(house, 'shop')
  const at = '/api/v1/projects/shop/services'
  const { token: as } = await person(house, 'eve', { role: 'operator' })
  expect((await house.ask(`PUT ${at}/a`, { url: 'https://a.test' }, { as })).status).toBe(403)
  for (const [said, words] of [
    [{ url: 'ftp://a.test' }, 'must begin with https://'],
    [{ url: 'https://a.test/ b' }, 'the address has a space'],
    [{ url: 'https://ann:pw@a.test' }, 'user name or password'],
    [{ url: 'https://a.test', headers: { host: 'b' } }, 'own to send'],
    [{ url: 'https://a.test', headers: { x: '$(src.sha)' } }, '`$(src.sha)` in the header `x` is no secret'],
    [{ url: 'https://a.test', headers: { x: 'a\nb' } }, 'line break'],
  ] as const)
    expect(await house.ask(`PUT ${at}/a`, said)).toMatchObject({
      status: 422,
      body: { code: 'bad-service', detail: expect.stringContaining(words) },
    })
  const env = { TAKT_URL: house.url, TAKT_TOKEN: house.token }
  const takt = (...args: string[]) => outcomeOf(startTakt(['services', ...args], { env }))
  expect((await takt('set', 'shop/a', 'https://a.test', '--header', 'x-key: $(secret.KEY)')).code).toBe(0)
  const { items } = JSON.parse((await takt('list', 'shop', '--json')).out)
  expect(items).toMatchObject([{ name: 'a', url: 'https://a.test', headers: { 'x-key': '$(secret.KEY)' } }])
  expect((await takt('remove', 'shop/a')).code).toBe(0)
  expect(await house.ask(`DELETE ${at}/a`)).toMatchObject({
    status: 404,
    body: { code: 'service-not-found' },
  })
  const entries = (await house.ask('GET /api/v1/audit?action=service.set')).body.items
  expect(entries).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ outcome: 'done' }),
      expect.objectContaining({ outcome: 'denied' }),
    ]),
  )
})
