import { expect, test } from 'vitest'
import { person } from '../support/people.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = 'triggers: { push: "**" }\njobs:\n  test: { run: say x }\n'
const FILE = '/api/v1/projects/shop/pipelines/main/file'
const WIDER = `${LINE}  ship: { needs: test, run: say y }\n`

async function line() {
  const it = await steeredLine(LINE)
  await it.clone.push({ '.takt.yml': LINE })
  await it.quiet()
  const file = async (lane = 'main') =>
    (await it.house.ask(`GET ${FILE}?lane=${encodeURIComponent(lane)}`)).body
  const commit = (body: object) =>
    it.house.ask(`POST ${FILE}`, { message: 'Widen the line', branch: 'main', ...body })
  return { ...it, file, commit, [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() }
}

test('a file is read as its branch has it, changed, and comes into force as a push of it would', async () => {
  await using it = await line()
  const sha = await it.clone.push({ '.takt.yml': LINE, 'docs/a b\u00e9.md': 'kept', 'run.sh': 'x' })
  await it.quiet()
  const before = await it.file()
  expect(before).toEqual({
    ...{ path: '.takt.yml', text: LINE, lane: 'main', branch: 'main', commit: sha },
    ...{ hosted: true, may_commit: true },
  })
  const { status, body } = await it.commit({ text: WIDER, onto: sha })
  expect([status, body.branch]).toEqual([201, 'main'])
  await it.quiet()
  expect(await it.file()).toMatchObject({ text: WIDER, commit: body.commit })
  const view = (await it.house.ask('GET /api/v1/projects/shop/pipelines/main')).body
  expect(view.jobs.map(({ name }: { name: string }) => name)).toEqual(['test', 'ship'])
  const run = (await it.house.ask('GET /api/v1/runs')).body.items[0]
  expect(run.inputs[0].version).toBe(body.commit)
  await it.clone.git('fetch', '-q', 'origin')
  expect(await it.clone.git('log', '-1', '--format=%an|%cn|%s|%P', 'origin/main')).toContain(
    `admin|Takt|Widen the line|${sha}`,
  )
  expect(await it.clone.git('diff', '--name-only', `${sha}..origin/main`)).toMatch(/^\.takt\.yml\n?$/)
  const { items } = (await it.house.ask('GET /api/v1/audit?action=pipeline.commit')).body
  expect(items[0]).toMatchObject({
    outcome: 'done',
    project: 'shop',
    reason: 'Widen the line',
    target: '/git/shop.git main .takt.yml',
  })
})

test('a branch that has gone on is not overwritten, and a new one begins where the text was read', async () => {
  await using it = await line()
  const { commit: onto } = await it.file()
  const newer = await it.clone.push({ more: 'x' })
  const refused = await it.commit({ text: WIDER, onto })
  expect([refused.status, refused.body.code, refused.body.head]).toEqual([409, 'file-moved', newer])
  expect((await it.file()).commit).toBe(newer)
  const begun = await it.commit({ text: WIDER, onto: newer, branch: 'wider' })
  expect(begun.status).toBe(201)
  await it.quiet()
  expect(await it.file('wider')).toMatchObject({ branch: 'wider', text: WIDER, commit: begun.body.commit })
  const nowhere = await it.commit({ text: WIDER, onto: 'a'.repeat(40), branch: 'odd' })
  expect([nowhere.status, nowhere.body.code]).toEqual([409, 'file-moved'])
})

test('of two who commit at once onto one commit, one is refused', async () => {
  await using it = await line()
  const { commit: onto } = await it.file()
  const both = await Promise.all([
    it.commit({ text: WIDER, onto }),
    it.commit({ text: `${WIDER}# two\n`, onto }),
  ])
  expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409])
})

test.each([
  [{ text: 'jobs: { test: { rum: x } }' }, 422, 'pipeline-invalid'],
  [{ text: '' }, 422, 'pipeline-invalid'],
  [{ text: WIDER, branch: '../../x' }, 422, 'bad-branch'],
  [{ text: WIDER, branch: '--upload-pack=x' }, 422, 'bad-branch'],
  [{ text: WIDER, branch: 'a b' }, 422, 'bad-branch'],
  [{ text: WIDER, message: ' \n' }, 422, 'invalid-request'],
  [{ text: WIDER, onto: 'HEAD' }, 422, 'invalid-request'],
])('what cannot be committed is refused, and the branch stays: %j', async (given, status, code) => {
  await using it = await line()
  const { commit: onto } = await it.file()
  const refused = await it.commit({ onto, ...given })
  expect([refused.status, refused.body.code]).toEqual([status, code])
  expect((await it.file()).commit).toBe(onto)
})

test('the first file of a project is committed to its empty repository, and a second pipeline beside it', async () => {
  await using it = await line()
  await it.house.ask('POST /api/v1/projects', { name: 'empty' })
  const at = (pipeline: string) => `POST /api/v1/projects/empty/pipelines/${pipeline}/file`
  const body = { text: LINE, message: 'Begin', branch: 'main' }
  const first = await it.house.ask(at('main'), { ...body, onto: null })
  expect(first.status).toBe(201)
  const second = await it.house.ask(at('nightly'), { ...body, onto: first.body.commit })
  expect(second.status).toBe(201)
  await it.quiet()
  const { pipelines } = (await it.house.ask('GET /api/v1/projects/empty')).body
  expect(pipelines).toEqual(['main', 'nightly'])
})

test('a maintainer commits, an operator reads and rehearses', async () => {
  await using it = await line()
  const { token } = await person(it.house, 'eve', { role: 'operator', project: 'shop' })
  const as = { as: token }
  const view = await it.house.ask(`GET ${FILE}`, undefined, as)
  expect(view.body).toMatchObject({ may_commit: false, text: LINE })
  const body = { text: WIDER, message: 'x', branch: 'main', onto: view.body.commit }
  expect((await it.house.ask(`POST ${FILE}`, body, as)).status).toBe(403)
  expect(
    (await it.house.ask('POST /api/v1/projects/shop/pipelines/main/rehearse', { text: WIDER }, as)).status,
  ).toBe(200)
})

test('a text is rehearsed with a commit of the past: what it draws, what it starts, and what is wrong with it', async () => {
  await using it = await line()
  const sha = await it.clone.push({ 'docs/a.md': 'x' }, { message: 'Write it down' })
  await it.clone.push({ 'src/a.ts': 'x' })
  await it.quiet()
  const text = `${WIDER}  docs: { paths: 'docs/**', run: say z }\n`
  const rehearse = async (body: object) =>
    (await it.house.ask('POST /api/v1/projects/shop/pipelines/main/rehearse', { text, ...body })).body
  const told = await rehearse({ version: sha.slice(0, 8) })
  expect(told.commit).toMatchObject({ version: sha, message: 'Write it down' })
  expect(told.jobs.map(({ job, fate }: Record<string, string>) => `${job} ${fate}`)).toEqual([
    'test runs',
    'ship runs',
    'docs runs',
  ])
  expect(told.line.jobs[1]).toEqual({
    name: 'ship',
    gets: [],
    needs: [{ job: 'test', trigger: true }],
    puts: [],
  })
  expect((await rehearse({})).jobs[2]).toMatchObject({ fate: 'passed' })
  const wrong = await rehearse({ text: 'jobs: { test: { rum: x } }' })
  expect(wrong).toMatchObject({
    line: null,
    jobs: [],
    diagnostics: [{ rule: 'unknown-key', line: 1 }],
  })
  const unknown = await it.house.ask('POST /api/v1/projects/shop/pipelines/main/rehearse', {
    text,
    version: 'ffffffff',
  })
  expect([unknown.status, unknown.body.code]).toEqual([404, 'version-not-found'])
  expect((await it.house.ask('GET /api/v1/pipeline-schema')).body.$schema).toMatch(/2020-12/)
})
