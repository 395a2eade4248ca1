import { describe, expect, test } from 'vitest'
import { asRunner, packed, unpacked } from '../support/archives.ts'
import { leased } from '../support/leased.ts'
import { person } from '../support/people.ts'
import { contentOf, edit, leave, match, REMEMBERING, STATES } from '../support/states.ts'
import { steeredLine } from '../support/steer.ts'

describe('the state of a job', () => {
  test('is versions: of runs that succeeded, and of people, who say why', async () => {
    await using line = await steeredLine(REMEMBERING)
    const first = await leave(line, { n: '1\n', 'cache/a': 'a' })
    await leave(line, { n: 'broken' }, 'fail')
    const { token: as } = await person(line.house, 'eve', { role: 'maintainer' })
    const two = await edit(
      line,
      'jobs/build',
      { write: [{ path: 'n', text: '2\n' }], remove: ['cache'] },
      { as, ...match(1) },
    )
    expect(two).toMatchObject({
      status: 200,
      body: { version: 2, by: 'eve', reason: 'to test', files: 1, bytes: 2 },
    })
    expect(two.headers.get('etag')).toBe('"2"')
    const state = await line.house.ask(`GET ${STATES}/jobs/build`)
    expect(state.body).toMatchObject({
      newest: 2,
      entries: [{ path: 'n', bytes: 2, mode: 0o644 }],
      fixed: null,
    })
    const history = await line.house.ask(`GET ${STATES}/jobs/build/history`)
    expect(history.body.items).toMatchObject([
      { version: 2, by: 'eve', run: null },
      { version: 1, by: null, run: { id: first.run, job: 'build', number: 1 }, files: 2 },
    ])
    const diff = await line.house.ask(`GET ${STATES}/jobs/build/diff`)
    expect(diff.body).toMatchObject({
      ...{ from: 1, to: 2, more: 0 },
      files: [
        { path: 'cache/a', change: 'removed', kind: 'text', hunks: [{ lines: ['-a'] }] },
        { path: 'n', change: 'changed', hunks: [{ before: 1, after: 1, lines: ['-1', '+2'] }] },
      ],
    })
    const back = await line.house.ask(
      `POST ${STATES}/jobs/build/restore`,
      { version: 1, reason: 'a mistake' },
      match(2),
    )
    expect(back.body).toMatchObject({ version: 3, restored: 1, reason: 'a mistake', by: 'admin' })
    await line.push()
    const next = await leased(line)
    expect(next.plan.statesLeft).toEqual(['build'])
    const found = await asRunner(line.house, `GET /runner/runs/${next.plan.run}/state`, next)
    expect(await unpacked(found.bytes)).toEqual({ n: '1\n', 'cache/a': 'a' })
    expect((await line.house.ask(`GET ${STATES}/jobs/build`)).body.under_way).toEqual([next.plan.run])
    const audit = (await line.house.ask('GET /api/v1/audit?action=state.')).body.items
    expect(audit).toMatchObject([
      { action: 'state.restore', after: { version: 3, restored: 1 } },
      {
        action: 'state.change',
        actor: 'eve',
        before: { version: 1 },
        after: { written: ['n'], removed: ['cache'] },
      },
    ])
  })

  test('of an older run is passed over where a later one has left one', async () => {
    await using line = await steeredLine(REMEMBERING)
    await line.push()
    const old = await leased(line)
    await asRunner(line.house, `PUT /runner/runs/${old.plan.run}/state`, {
      ...old,
      body: await packed({ n: 'old' }),
    })
    await leave(line, { n: 'new' })
    await old.end('succeed')
    expect((await contentOf(line, 'jobs/build', 'path=n')).text).toBe('new')
  })

  test('is changed only where it is as its sender knows it, and of fifty at once one is', async () => {
    await using line = await steeredLine(REMEMBERING)
    await leave(line, { n: '1' })
    const write = [{ path: 'n', text: '2' }]
    const all = await Promise.all(
      Array.from({ length: 50 }, () => edit(line, 'jobs/build', { write }, match(1))),
    )
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1)
    const late = all.find(({ status }) => status !== 200)
    expect(late).toMatchObject({
      status: 412,
      body: {
        code: 'changed-meanwhile',
        version: 2,
        detail: expect.stringContaining('version 1 was expected, and it is at version 2'),
      },
    })
    expect((await edit(line, 'jobs/build', { write }, { headers: { 'if-none-match': '*' } })).status).toBe(
      412,
    )
    await Promise.all(
      Array.from({ length: 5 }, (_, at) =>
        edit(line, 'jobs/build', { write: [{ path: `f${at}`, text: '' }] }),
      ),
    )
    expect((await line.house.ask(`GET ${STATES}/jobs/build`)).body).toMatchObject({ version: 7, files: 6 })
  })

  test('holds no file that leads out of it, lies behind a link, or has a name that terminals obey', async () => {
    await using line = await steeredLine(REMEMBERING)
    await leave(line, [
      { header: { name: 'a' }, content: 'same' },
      { header: { name: 'b', type: 'link', linkname: 'a' } },
      { header: { name: 'link', type: 'symlink', linkname: 'a' } },
      { header: { name: 'folder', type: 'directory' } },
      { header: { name: 'folder/x' }, content: 'x' },
    ])
    for (const path of [
      '../x',
      '/etc/passwd',
      'a//b',
      './a',
      'x\u001b[2J',
      'line\nfeed',
      'a/b',
      'link/x',
      'folder',
      'n'.repeat(300),
    ])
      expect([path, await edit(line, 'jobs/build', { write: [{ path, text: '' }] })]).toMatchObject([
        path,
        { status: 422, body: { code: 'bad-state' } },
      ])
    expect(await edit(line, 'jobs/build', { remove: ['none'] })).toMatchObject({ status: 422 })
    expect(await edit(line, 'jobs/build', { set: { A: 'b' } })).toMatchObject({
      status: 422,
      body: { code: 'bad-state' },
    })
    expect((await edit(line, 'jobs/build', {})).body.detail).toContain('nothing is changed')
    expect((await line.house.ask(`GET ${STATES}/jobs/build?leg=[[[[`)).status).toBe(422)
    // A file that another one is the same as lives on under that name; a link is replaced, and not followed.
    const changed = await edit(line, 'jobs/build', {
      remove: ['a', 'folder'],
      write: [{ path: 'link', text: 'mine' }],
    })
    expect(changed.body).toMatchObject({ version: 2, files: 2 })
    expect(await contentOf(line, 'jobs/build', 'path=b')).toMatchObject({ text: 'same', kind: 'text' })
    expect(await contentOf(line, 'jobs/build', 'path=link')).toMatchObject({ text: 'mine' })
    const body = JSON.stringify({ reason: 'x', write: [{ path: 'big', text: 'x'.repeat(2_200_000) }] })
    expect((await line.house.ask(`PATCH ${STATES}/jobs/build`, body)).status).toBe(413)
  })

  test('is shown as text, a bounded part of it, secrets hidden; what is no text is said to be none', async () => {
    await using line = await steeredLine(REMEMBERING)
    await line.house.ask('PUT /api/v1/projects/shop/secrets/KEY', { value: 'hunter22-hunter22' })
    const long = `${'x'.repeat(256 * 1024 - 8)}hunter22-hunter22${'y'.repeat(100_000)}`
    await leave(line, { key: 'a hunter22-hunter22 b', long, html: '<script>', bin: '\0\u{fffd}' })
    expect(await contentOf(line, 'jobs/build', 'path=key')).toMatchObject({ text: 'a *** b', masked: true })
    const shown = await contentOf(line, 'jobs/build', 'path=long')
    expect(shown).toMatchObject({ cut: true, bytes: long.length })
    expect(shown.text).not.toContain('hunter')
    expect(await contentOf(line, 'jobs/build', 'path=bin')).toMatchObject({
      kind: 'binary',
      text: null,
      bytes: 4,
    })
    expect((await line.house.ask(`GET ${STATES}/jobs/build/content?path=../x`)).status).toBe(404)
    expect((await line.house.ask(`GET ${STATES}/jobs/build/content`)).status).toBe(422)
    expect((await line.house.ask(`GET ${STATES}/jobs/build/diff?from=0`)).text).not.toContain('hunter22')
  })

  test('has room: what does not fit is refused with its size, and less always fits', async () => {
    await using line = await steeredLine(REMEMBERING, { TAKT_STATE_MIB: '1' })
    expect((await leave(line, { a: 'a'.repeat(700_000) })).status).toBe(201)
    const refused = await leave(line, { a: 'a'.repeat(1_100_000) })
    expect(refused).toMatchObject({
      status: 413,
      body: {
        code: 'state-too-large',
        bytes: expect.any(Number),
        limit: 1_048_576,
        detail: expect.stringContaining('TAKT_STATE_MIB'),
      },
    })
    expect(
      await edit(line, 'jobs/build', { write: [{ path: 'b', text: 'b'.repeat(400_000) }] }),
    ).toMatchObject({
      status: 413,
      body: { code: 'state-too-large' },
    })
    const set = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`K${at}`, 'x'.repeat(20_000)]))
    expect((await edit(line, 'resources/tfstate', { set })).status).toBe(200)
    const write = [{ path: 'a', text: 'a'.repeat(500_000) }]
    expect((await edit(line, 'resources/tfstate', { write })).status).toBe(413)
    expect((await edit(line, 'jobs/build', { remove: ['a'] })).body).toMatchObject({ version: 2, files: 0 })
    expect((await edit(line, 'resources/tfstate', { write })).status).toBe(200)
    expect((await line.house.ask(STATES.replace(/^/, 'GET '))).body).toMatchObject({ limit: 1_048_576 })
  })
})
