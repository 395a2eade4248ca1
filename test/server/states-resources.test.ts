import { describe, expect, test } from 'vitest'
import { outcomeOf, startTakt } from '../command/run-takt.ts'
import { leased } from '../support/leased.ts'
import { person } from '../support/people.ts'
import { contentOf, edit, leave, match, REMEMBERING, STATES } from '../support/states.ts'
import { steeredLine } from '../support/steer.ts'

describe('a resource that remembers', () => {
  test('as state has files and keys, and starts nothing', async () => {
    await using line = await steeredLine(REMEMBERING)
    await line.push()
    const before = (await line.runs('loud')).length
    const one = await edit(line, 'resources/tfstate', {
      set: { SERIAL: '1' },
      write: [{ path: 'x.json', text: '{}' }],
    })
    expect(one.body).toMatchObject({ of: 'state', version: 1, by: 'admin', keys: 1, files: 1 })
    const two = await edit(line, 'resources/tfstate', { set: { SERIAL: '2', LOCK: 'me' } }, match(1))
    expect(two.body).toMatchObject({ version: 2, keys: 2, files: 1 })
    expect(await contentOf(line, 'resources/tfstate', 'key=SERIAL&version=1')).toMatchObject({ text: '1' })
    expect((await edit(line, 'resources/tfstate', { set: { version: '9' } })).status).toBe(422)
    const gone = await edit(line, 'resources/tfstate', { unset: ['LOCK'], remove: ['x.json'] })
    expect(gone.body).toMatchObject({ version: 3, keys: 1, files: 0 })
    const back = await line.house.ask(`POST ${STATES}/resources/tfstate/restore`, { version: 2, reason: 'x' })
    expect(back.body).toMatchObject({ version: 4, restored: 2, keys: 2, files: 1 })
    expect((await line.house.ask(`GET ${STATES}/resources/tfstate/diff?from=2`)).body).toMatchObject({
      values: [],
      files: [],
    })
    expect((await line.runs('loud')).length).toBe(before)
  })

  test('as params is merged or overwritten, and each change starts who gets it', async () => {
    await using line = await steeredLine(REMEMBERING)
    await line.push()
    const before = (await line.runs('apply')).length
    expect((await edit(line, 'resources/settings', { set: { REGION: 'us', NEW: '1' } })).body.version).toBe(2)
    const now = async () =>
      (
        (await line.house.ask(`GET ${STATES}/resources/settings`)).body.values as {
          key: string
          value: string
        }[]
      ).map(({ key, value }) => `${key}=${value}`)
    expect(await now()).toEqual(['NEW=1', 'REGION=us', 'SIZE=1'])
    const over = await line.house.ask(
      `PUT ${STATES.replace('states', 'resources')}/settings/params`,
      { set: { REGION: 'eu' }, overwrite: true, reason: 'afresh' },
      match(2),
    )
    expect(over).toMatchObject({ status: 200, body: { version: '3', fields: { REGION: 'eu' } } })
    expect(await now()).toEqual(['REGION=eu'])
    expect(await edit(line, 'resources/settings', { set: { A: '1' } }, match(2))).toMatchObject({
      status: 412,
    })
    expect(await edit(line, 'resources/settings', { write: [{ path: 'a', text: '' }] })).toMatchObject({
      status: 422,
    })
    expect((await edit(line, 'resources/settings', { unset: ['REGION'] })).body).toMatchObject({
      version: 4,
      keys: 0,
    })
    expect((await line.runs('apply')).length).toBe(before + 3)
    expect((await line.house.ask(`GET ${STATES}/resources/settings/history`)).body.items).toMatchObject([
      { version: 4, reason: 'to test' },
      { version: 3, reason: 'afresh', by: 'admin' },
      { version: 2 },
      { version: 1, by: null },
    ])
    expect((await line.house.ask(`GET ${STATES}`)).body.items).toMatchObject([
      { of: 'params', name: 'settings', version: 4 },
      { of: 'state', name: 'tfstate', version: 0 },
    ])
  })

  test('as params is overwritten by a run that says so', async () => {
    await using line =
      await steeredLine(`resources: { src: { git: . }, settings: { params: { A: "1", B: "2" } } }
jobs: { reset: { get: src, when: push, put: { settings: { set: { C: "3" }, overwrite: true } } } }
`)
    await line.push()
    const run = await leased(line)
    const [step] = run.plan.steps
    expect(step).toMatchObject({ put: { kind: 'params', set: { C: '3' }, overwrite: true } })
    const { body } = await run.put('settings', { kind: 'params', set: { C: '3' }, overwrite: true })
    expect(body.fields).toEqual({ C: '3' })
    const { items } = (await line.house.ask(`GET ${STATES}/resources/settings/history`)).body
    expect(items[0]).toMatchObject({ version: 2, by: null, run: { id: run.plan.run, job: 'reset' } })
  })

  test(
    'counts each of fifty who count at once, by increment and by compare-and-set',
    { timeout: 90_000 },
    async () => {
      await using line = await steeredLine(REMEMBERING)
      await line.push()
      const all = await Promise.all(
        Array.from({ length: 50 }, () =>
          line.house.ask(`POST ${STATES}/resources/tfstate/increment`, { key: 'N' }),
        ),
      )
      expect(new Set(all.map(({ body }) => body.value)).size).toBe(50)
      expect(await contentOf(line, 'resources/tfstate', 'key=N')).toMatchObject({ text: '50' })
      const raise = async (times: number): Promise<void> => {
        if (times === 0) return
        const { body } = await line.house.ask(`GET ${STATES}/resources/tfstate`)
        const n = Number(body.values.find(({ key }: { key: string }) => key === 'N').value)
        const set = { N: String(n + 1) }
        const { status } = await edit(line, 'resources/tfstate', { set }, match(body.version))
        if (status !== 412) expect(status).toBe(200)
        return raise(status === 412 ? times : times - 1)
      }
      await Promise.all(Array.from({ length: 5 }, () => raise(10)))
      expect(await contentOf(line, 'resources/tfstate', 'key=N')).toMatchObject({ text: '100', version: 100 })
      await edit(line, 'resources/tfstate', { set: { WORD: 'x' } })
      expect(
        await line.house.ask(`POST ${STATES}/resources/tfstate/increment`, { key: 'WORD' }),
      ).toMatchObject({
        status: 409,
        body: { code: 'not-a-number' },
      })
    },
  )
})

test('who may look at states is an operator, who may change them a maintainer', async () => {
  await using line = await steeredLine(REMEMBERING)
  await line.push()
  const { token: viewer } = await person(line.house, 'vic', { role: 'viewer' })
  const { token: operator } = await person(line.house, 'oda', { role: 'operator' })
  expect((await line.house.ask(`GET ${STATES}/resources/tfstate`, undefined, { as: viewer })).status).toBe(
    403,
  )
  expect((await line.house.ask(`GET ${STATES}/resources/tfstate`, undefined, { as: operator })).status).toBe(
    200,
  )
  expect((await edit(line, 'resources/tfstate', { set: { A: 'b' } }, { as: operator })).status).toBe(403)
})

test('the state that a run left is no artifact for viewers: neither named, nor listed, nor opened', async () => {
  await using line = await steeredLine(REMEMBERING)
  const { run } = await leave(line, { 'serial.txt': '7' })
  const { token: viewer } = await person(line.house, 'vic', { role: 'viewer' })
  const { token: operator } = await person(line.house, 'oda', { role: 'operator' })
  const ask = (path: string, as: string) =>
    line.house.ask(`GET /api/v1/runs/${run}/artifacts${path}`, undefined, { as })
  expect((await ask('', viewer)).body.items).toEqual([])
  expect((await ask('', operator)).body.items).toMatchObject([{ name: 'state' }])
  for (const path of ['/state/files', '/state/files/serial.txt', '/state.tar.gz']) {
    expect(await ask(path, viewer)).toMatchObject({ status: 403, body: { code: 'not-allowed' } })
    expect((await ask(path, operator)).status).toBe(200)
  }
})

test('the command shows and changes what is remembered', { timeout: 90_000 }, async () => {
  await using line = await steeredLine(REMEMBERING)
  await line.push()
  const takt = async (args: string[], input = '') => {
    const child = startTakt(['state', ...args], {
      env: { TAKT_URL: line.house.url, TAKT_TOKEN: line.house.token },
    })
    child.stdin!.end(input)
    return outcomeOf(child)
  }
  const TF = 'shop/main/resources/tfstate'
  const why = ['--reason', 'to test']
  expect((await takt(['set', TF, 'A=1', 'B=x=y', ...why])).err).toContain('at version 1')
  expect((await takt(['write', TF, 'a/b.txt', '--if-version', '1', ...why], 'one\n')).code).toBe(0)
  const late = await takt(['remove', TF, 'a', '--if-version', '1', ...why])
  expect(late).toMatchObject({
    code: 2,
    err: expect.stringContaining('version 1 was expected, and it is at version 2'),
  })
  expect((await takt(['get', TF, 'B'])).out).toBe('x=y')
  expect((await takt(['get', TF, 'a/b.txt'])).out).toBe('one\n')
  expect((await takt(['incr', TF, 'A', '--by', '41'])).out).toBe('42\n')
  expect((await takt(['diff', TF, '1'])).out).toBe(
    'version 1 → 3\n-A=1\n+A=42\nadded a/b.txt\n@@ -1 +1 @@\n+one\n',
  )
  expect((await takt(['restore', TF, '1', ...why])).code).toBe(0)
  expect((await takt(['history', TF])).out).toMatch(/4 .* admin +2 +0 +0 +to test \(version 1 again\)\n3 /)
  expect((await takt(['list', 'shop/main'])).out).toMatch(/resources\/tfstate +state +4 +2 +0/)
  expect((await takt(['set', TF, 'C=1'])).code).toBe(2)
  expect(await takt(['show', 'shop/main'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('names nothing'),
  })
})
