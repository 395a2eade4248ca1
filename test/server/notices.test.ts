import { createHmac } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { listener, mailServer } from '../support/listener.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const AT = '/api/v1/projects/shop/notices'
const LOCAL = { TAKT_ALLOW_HOSTS: '127.0.0.1', TAKT_URL: 'https://takt.example.org' }

async function shop(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse({ ...LOCAL, ...env }))
  const clone = stack.use(await hostedProject(house, 'shop'))
  const out = stack.use(await listener())
  return { house, clone, out, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
const secret = (house: House, name: string, value: string) =>
  house.ask(`PUT /api/v1/projects/shop/secrets/${name}`, { value })
/** Nobody waits for calm in a test. */
const hurry = (house: House) =>
  sql`update notice_messages set due_at = now() where state = 'waiting'`.execute(house.db)
const synced = (house: House) =>
  until(async () => (await house.ask('GET /api/v1/pipelines')).body.items.length === 1)
const notices = async (house: House, query = '') => (await house.ask(`GET ${AT}${query}`)).body.items

const line = (command: string, notify: string) =>
  `jobs:\n  test: { run: ["${command}"] }\n  lint: { run: ["${command}"] }\nnotify:\n${notify}`

describe('a line tells', () => {
  test(
    'Slack of what fails and is fixed, together what happens together, with secrets hidden',
    { timeout: 90_000 },
    async () => {
      await using it = await shop()
      await secret(it.house, 'SLACK_WEBHOOK', `${it.out.url}/hook/t0ken`)
      await secret(it.house, 'DEPLOY_KEY', 'correct-horse')
      await using _ = await startRunner(it.house)
      const notify = '  slack: { to: "#shop" }\n'
      await it.clone.push({ '.takt.yml': line('fail 3', notify) }, { message: 'Use correct-horse <b>' })
      const told = async () =>
        (await notices(it.house)).reduce((sum: number, { count }: { count: number }) => sum + count, 0)
      await until(async () => (await told()) === 2 && it.out.heard.length > 0)
      await it.clone.push({ '.takt.yml': line('say x', notify) })
      await until(async () => (await told()) === 4)
      await until(async () => {
        await hurry(it.house)
        return (await notices(it.house, '?state=waiting')).length === 0
      })
      const said = it.out.heard.map(({ text }) => JSON.parse(text))
      expect(said.length).toBeLessThan(4) // a place that was just told is left in peace: what happens then is told together
      expect(new Set(it.out.heard.map(({ path }) => path))).toEqual(new Set(['/hook/t0ken']))
      expect(new Set(said.map(({ channel }) => channel))).toEqual(new Set(['#shop']))
      const lines = said.flatMap(({ text }) => text.split('\n')).toSorted()
      expect(lines).toHaveLength(4)
      expect(lines.filter((each) => /🔴 .*failed on main/.test(each))).toHaveLength(2)
      expect(lines.filter((each) => /🟢 .*is fixed on main/.test(each))).toHaveLength(2)
      expect(lines.join()).toMatch(
        /<https:\/\/takt\.example\.org\/runs\/\d\|shop\/main\/lint #1 failed on main \(Use \*\*\* &lt;b&gt;\)/,
      )
      await it.clone.push({ 'a.txt': 'x' })
      await until(
        async () => (await it.house.ask('GET /api/v1/runs?state=succeeded')).body.items.length === 4,
      )
      expect(await told()).toBe(4) // that all is well is told to who asks for it
      expect(await notices(it.house)).toContainEqual(
        expect.objectContaining({ state: 'sent', channel: 'slack', destination: '#shop', error: null }),
      )
    },
  )

  test('a program, signed as standardwebhooks.com says, of what it asks for, in its author’s words', async () => {
    await using it = await shop()
    await secret(it.house, 'HOOK_KEY', 'a key of some length')
    await using _ = await startRunner(it.house)
    const notify = `  webhook:
    - { to: ${it.out.url}/a, login: HOOK_KEY, when: [success], jobs: test, text: "$(notice.job) is $(notice.words)!" }
    - { to: ${it.out.url}/b, when: success, lanes: release/* }\n`
    const sha = await it.clone.push({ '.takt.yml': line('say x', notify) })
    await until(() => it.out.heard.length === 1)
    const [{ path, headers, text }] = it.out.heard as [(typeof it.out.heard)[0]]
    expect(path).toBe('/a')
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
    const signature = createHmac('sha256', 'a key of some length').update(signed).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${signature}`)
    expect(JSON.parse(text)).toMatchObject({
      ...{ type: 'notices', count: 1 },
      items: [
        {
          ...{ kind: 'success', project: 'shop', pipeline: 'main', lane: 'main', job: 'test', version: sha },
          ...{
            text: 'test is succeeded!',
            url: expect.stringMatching(/^https:\/\/takt\.example\.org\/runs\//),
          },
        },
      ],
    })
    await it.clone.push({ 'a.txt': 'x' }, { branch: 'release/1' })
    await until(() => it.out.heard.find((each) => each.path === '/b'))
  })

  test('people by mail that a gate waits for them', async () => {
    await using mail = await mailServer()
    await using it = await shop({ TAKT_SMTP_URL: mail.url, TAKT_MAIL_FROM: 'Takt <takt@acme.example>' })
    const file = `jobs: { ship: { approve: true, run: x } }
notify: { email: { to: [ann@acme.example, nobody@acme.example], when: approval } }\n`
    await it.clone.push({ '.takt.yml': file }, { message: 'Ship it' })
    await until(() => mail.heard.length === 1)
    expect(mail.heard[0]).toMatchObject({ from: 'takt@acme.example', to: ['ann@acme.example'] })
    const subject = /^Subject: .*$/m.exec(mail.heard[0]!.text)?.[0]
    expect(subject).toBe('Subject: [shop/main] ship #1 waits for approval on main')
    expect(mail.heard[0]!.text).toContain('https://takt.example.org/runs/1')
    const [refused] = await until(async () => {
      const dead = await notices(it.house, '?state=dead')
      return dead.length > 0 && dead
    })
    expect(refused).toMatchObject({ destination: 'nobody@acme.example', attempts: [{ status: 550 }] })
  })

  test('of a file that cannot be used, by the last good one', async () => {
    await using it = await shop()
    const notify = `  webhook: { to: ${it.out.url}, when: alert }\n`
    await it.clone.push({ '.takt.yml': line('say x', notify) })
    await it.clone.push({ '.takt.yml': 'jobs: 7\n' })
    await until(() => it.out.heard.length === 1)
    expect(JSON.parse(it.out.heard[0]!.text).items[0]).toMatchObject({
      ...{ kind: 'alert', words: 'has a pipeline file that cannot be used' },
      reason: expect.stringContaining('must be a mapping'),
    })
  })

  test('by the default branch’s file alone: a branch cannot send word, or a secret, elsewhere', async () => {
    await using it = await shop()
    await secret(it.house, 'HOOK_KEY', 'a key of some length')
    await using _ = await startRunner(it.house)
    const to = (path: string) =>
      `  webhook: { to: ${it.out.url}${path}, when: success, jobs: test, login: HOOK_KEY }\n`
    await it.clone.push({ '.takt.yml': line('say x', to('/good')) })
    await until(() => it.out.heard.length === 1)
    await it.clone.push({ '.takt.yml': line('say x', to('/evil')) }, { branch: 'mine' })
    await until(async () => (await hurry(it.house)) && it.out.heard.length === 2)
    expect(it.out.heard.map(({ path }) => path)).toEqual(['/good', '/good'])
    expect(JSON.parse(it.out.heard[1]!.text).items[0].lane).toBe('mine')
  })
})

describe('a notice', () => {
  const TOLD = (url: string) => line('say x', `  webhook: { to: ${url}, when: success, jobs: test }\n`)

  test(
    'is tried again until it arrives, the longer apart the oftener, also by the next server',
    { timeout: 90_000 },
    async () => {
      await using it = await shop()
      it.out.answer.status = 503
      it.out.answer.headers = { 'retry-after': '3000' }
      const runner = await startRunner(it.house)
      await it.clone.push({ '.takt.yml': TOLD(it.out.url) })
      const [first] = await until(async () => {
        const all = await notices(it.house)
        return all[0]?.error && all
      })
      expect(first).toMatchObject({ state: 'waiting', error: expect.stringContaining('503') })
      expect(Date.parse(first.due_at)).toBeGreaterThan(Date.now() + 2_900_000)
      await it.clone.push({ 'a.txt': 'x' })
      await until(async () => (await notices(it.house)).length === 2)
      await runner[Symbol.asyncDispose]()
      await it.house.restart()
      it.out.answer.status = 200
      await hurry(it.house)
      await until(async () => (await notices(it.house, '?state=sent')).length === 2)
      expect(it.out.heard.map(({ text }) => JSON.parse(text).id)).toEqual([1, 1, 2]) // in their order
    },
  )

  test('that cannot arrive is given up visibly, and sent again on demand, on record', async () => {
    await using it = await shop()
    it.out.answer.status = 404
    it.out.answer.body = 'no such hook'
    await using _ = await startRunner(it.house)
    await it.clone.push({ '.takt.yml': TOLD(it.out.url) })
    const [dead] = await until(async () => {
      const all = await notices(it.house, '?state=dead')
      return all.length > 0 && all
    })
    expect(dead).toMatchObject({ error: 'answered with 404: no such hook', attempts: [{ status: 404 }] })
    it.out.answer.status = 200
    const { token: as } = await person(it.house, 'eve', { role: 'viewer' })
    expect((await it.house.ask(`POST ${AT}/${dead.id}/retry`, {}, { as })).status).toBe(403)
    expect((await it.house.ask(`POST ${AT}/${dead.id}/retry`)).status).toBe(200)
    await until(async () => (await notices(it.house))[0].state === 'sent')
    expect(await it.house.ask(`POST ${AT}/${dead.id}/retry`)).toMatchObject({ body: { code: 'notice-sent' } })
    expect((await it.house.ask(`POST ${AT}/99/retry`)).status).toBe(404)
    const audit = await it.house.ask('GET /api/v1/audit?action=notice.retry')
    expect(audit.body.items.map(({ outcome }: { outcome: string }) => outcome)).toContain('done')
  })

  test('goes to no address inside unless the operator allows it', async () => {
    await using it = await shop({ TAKT_ALLOW_HOSTS: 'elsewhere.example' })
    await it.clone.push({ '.takt.yml': TOLD(it.out.url) })
    await synced(it.house)
    const made = await it.house.ask('POST /api/v1/projects/shop/pipelines/main/notify/0/test')
    expect(made).toMatchObject({ status: 202, body: { items: [{ test: true, state: 'waiting' }] } })
    const [dead] = await until(async () => {
      const all = await notices(it.house, '?state=dead')
      return all.length > 0 && all
    })
    expect(dead.error).toContain('TAKT_ALLOW_HOSTS')
    expect(it.out.heard).toEqual([])
  })

  test('is tried out before anything happens, and what it lacks is told', async () => {
    await using it = await shop()
    const notify = `  slack: { to: "#shop" }\n  email: { to: a@b.example }\n  webhook: { to: ${it.out.url} }\n`
    await it.clone.push({ '.takt.yml': line('say x', notify) })
    await synced(it.house)
    const PIPELINE = '/api/v1/projects/shop/pipelines/main'
    const { items } = (await it.house.ask(`GET ${PIPELINE}/notify`)).body
    expect(items).toMatchObject([
      { channel: 'slack', lacks: expect.stringContaining('SLACK_WEBHOOK'), when: ['failure', 'fixed'] },
      { channel: 'email', lacks: expect.stringContaining('TAKT_SMTP_URL') },
      { channel: 'webhook', index: 2, lacks: null },
    ])
    expect((await it.house.ask(`POST ${PIPELINE}/notify/2/test`)).status).toBe(202)
    await until(() => it.out.heard.length === 1)
    expect(JSON.parse(it.out.heard[0]!.text)).toMatchObject({ type: 'test' })
    await it.house.ask(`POST ${PIPELINE}/notify/0/test`)
    const [dead] = await until(async () => {
      const all = await notices(it.house, '?state=dead')
      return all.length > 0 && all
    })
    expect(dead.error).toContain('takt secrets set')
    expect((await it.house.ask(`POST ${PIPELINE}/notify/7/test`)).status).toBe(404)
  })
})
