import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { tellEnds } from '../../server/upstreams/tell-ends.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { steeredLine } from '../support/steer.ts'

const LIB = `resources: { src: { git: . }, release: { semver: { initial: 1.2.3 } } }
triggers: { push: [main, 'release/*'], pull_request: main, tag: 'v*' }
jobs: { test: { get: src, run: x }, publish: { needs: test, get: { release: { trigger: false } }, run: x } }
`
const APP = `resources: { src: { git: . }, lib: { upstream: shop/main/publish } }
jobs: { build: { get: { src: {}, lib: {} }, run: 'make LIB="$LIB_SHA"' } }
`

/** `shop` publishes, and `app` follows it: both pushed once. */
async function twoLines(app = APP, lib = LIB) {
  const stack = new AsyncDisposableStack()
  const it = stack.use(await steeredLine(lib))
  const clone = stack.use(await hostedProject(it.house, 'app'))
  const follow = async (file: string = app) => {
    await clone.push({ '.takt.yml': file })
    await it.quiet()
  }
  /** The newest commit goes all the way. */
  const publish = async () => {
    const sha = await it.push()
    await it.end('test', 'succeed')
    return { sha, run: await it.end('publish', 'succeed') }
  }
  const line = async () => (await it.house.ask('GET /api/v1/projects/app/pipelines/main')).body
  const heard = async () =>
    (
      await sql<{ run_id: number; reason: string | null }>`
        select run_id, reason from heard_ends order by at, run_id`.execute(it.house.db)
    ).rows
  return { ...it, clone, follow, publish, line, heard, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a green end of another project’s job starts who follows it, with the run, its commit and its numbers', async () => {
  await using it = await twoLines()
  await it.follow()
  expect(await it.runs('build')).toEqual([])
  const { sha, run } = await it.publish()
  expect(await it.runs('build')).toMatchObject([{ inputs: [expect.stringMatching(/^src /), `lib ${run}`] }])
  const work = await it.claim()
  expect(work).toMatchObject({ job: 'build', plan: { env: { LIB_RUN: String(run), LIB_NUMBER: '1' } } })
  expect(work?.plan.env).toMatchObject({
    ...{ LIB_SHORT_SHA: sha, LIB_BRANCH: 'main', LIB_PROJECT: 'shop', LIB_JOB: 'publish', LIB_LANE: 'main' },
    ...{ LIB_RELEASE_VERSION: '1.2.3', LIB_SRC_SHORT_SHA: sha },
  })
  expect(Object.keys(work?.plan.env ?? {}).filter((name) => /AUTHOR|MESSAGE/.test(name))).toEqual([
    'SRC_AUTHOR',
    'SRC_MESSAGE',
  ])
})

test('who begins to follow hears the newest end there is, once', async () => {
  await using it = await twoLines()
  await it.publish()
  const { run } = await it.publish()
  await it.follow()
  expect(await it.runs('build')).toMatchObject([{ inputs: [expect.anything(), `lib ${run}`] }])
  await sql`update followed_jobs set look_at = now()`.execute(it.house.db)
  await tellEnds(it.house.db)
  await it.follow()
  expect(await it.heard()).toEqual([{ run_id: run, reason: null }])
})

test('an end that is told again, by any server, and a retry of what was green are no second version', async () => {
  await using it = await twoLines()
  await it.follow()
  const { run } = await it.publish()
  await sql`insert into ends_to_tell select id from endings where run_id = ${run}`.execute(it.house.db)
  await Promise.all([tellEnds(it.house.db), tellEnds(it.house.db)])
  await it.house.ask(`POST /api/v1/runs/${run}/retry`, {})
  await it.end('publish', 'succeed')
  expect(await it.runs('build')).toHaveLength(1)
  expect(await it.heard()).toEqual([{ run_id: run, reason: null }])
})

test('a run that a retry turned green is one version; what finishes late, or is older, goes below what was heard', async () => {
  await using it = await twoLines()
  await it.follow()
  await it.push()
  await it.end('test', 'succeed')
  const red = await it.end('publish', 'fail')
  expect(await it.heard()).toEqual([])
  const { run } = await it.publish()
  await it.house.ask(`POST /api/v1/runs/${red}/retry`, {})
  await it.end('publish', 'succeed')
  expect(await it.heard()).toEqual([
    { run_id: run, reason: null },
    { run_id: red, reason: null },
  ])
  expect((await it.line()).resources[1]).toMatchObject({ name: 'lib', newest: { name: String(run) } })
  expect((await it.runs('build')).map(({ inputs }) => inputs[1])).toEqual([`lib ${run}`])
})

test('what fails, is passed through, or ends on another lane is no version; a lane that is named is one', async () => {
  const named = "{ upstream: shop/main/publish, lane: ['release/*', 'tag/v*'] }"
  await using it = await twoLines(APP.replace('{ upstream: shop/main/publish }', named))
  await it.follow()
  await it.publish()
  expect(await it.runs('build')).toEqual([])
  await it.push({}, 'release/1')
  await it.end('test', 'succeed')
  const run = await it.end('publish', 'succeed')
  expect(await it.heard()).toEqual([{ run_id: run, reason: null }])
  expect((await it.claim())?.plan.env).toMatchObject({ LIB_BRANCH: 'release/1', LIB_LANE: 'release/1' })

  await using left = await twoLines(APP, LIB.replace('publish: {', 'publish: { paths: docs/**,'))
  await left.follow()
  await left.push()
  await left.end('test', 'succeed')
  expect(await left.runs('publish')).toMatchObject([{ state: 'skipped' }])
  expect(await left.heard()).toEqual([])
})

test('two pipelines that follow each other go round once for each new commit, and why it ends is on record', async () => {
  const shop = (get: string) => `resources: { src: { git: . }, back: { upstream: app/main/use } }
jobs: { make: { get: ${get}, run: x } }
`
  const app = `resources: { lib: { upstream: shop/main/make } }
jobs: { use: { get: lib, run: x } }
`
  await using it = await twoLines(app, shop('src'))
  await it.follow()
  /** One lap: what was made is used, which makes it once more, and that is not used again. */
  const lap = async () => {
    await it.end('make', 'succeed')
    const used = await it.end('use', 'succeed')
    const made = await it.end('make', 'succeed')
    expect((await it.heard()).at(-1)).toEqual({
      run_id: made,
      reason: `that is a circle: run ${used}, which this goes back to, was started by this very resource`,
    })
  }
  await it.push()
  await it.end('make', 'succeed')
  await it.end('use', 'succeed')
  const before = (await it.runs()).length
  await it.push({ '.takt.yml': shop('{ src: {}, back: {} }') })
  await lap()
  const runs = await it.runs()
  expect(runs.slice(before).map(({ job }) => job)).toEqual(['make', 'use', 'make'])
  expect(runs.every(({ state }) => state === 'succeeded')).toBe(true)
})

test('more than eight pipelines do not start one another', async () => {
  const follow = (job: string, upstream: string) =>
    `resources: { up: { upstream: ${upstream} } }\njobs: { ${job}: { get: up, run: x } }\n`
  await using it = await twoLines()
  await it.push(
    Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `.takt/p${index}.yml`,
        follow(`p${index}`, index === 0 ? 'main/test' : `p${index - 1}/p${index - 1}`),
      ]),
    ),
  )
  await it.end('test', 'succeed')
  for (let index = 0; index < 8; index++) await it.end(`p${index}`, 'succeed')
  expect((await it.heard()).at(-1)?.reason).toBe('more than 8 pipelines started one another')
  expect(await it.runs('p8')).toEqual([])
})

test('another organization’s project starts nothing, and nobody is told that it is there', async () => {
  await using it = await twoLines()
  await it.follow()
  await it.house.ask('POST /api/v1/organizations', { name: 'else' })
  const moved =
    await sql`update projects set organization_id = (select id from organizations where name = 'else')
    where name = 'shop'`.execute(it.house.db)
  expect(moved.numAffectedRows).toBe(1n)
  await it.publish()
  expect(await it.heard()).toEqual([])
  expect((await it.line()).resources[1].upstream).toMatchObject({
    problem: 'there is no project `shop` in this organization',
    visible: true,
  })
})

test('a run shows the run that it follows, and that one whom it was told to: to those who may see both', async () => {
  await using it = await twoLines()
  await it.follow()
  const { run } = await it.publish()
  const [build] = await it.runs('build')
  const shown = async (id: number, as = it.house.token) =>
    (await it.house.ask(`GET /api/v1/runs/${id}`, undefined, { as })).body
  expect((await shown(build!.id)).follows).toEqual([
    { resource: 'lib', run, number: 1, project: 'shop', pipeline: 'main', job: 'publish' },
  ])
  expect((await shown(run)).followers).toEqual([
    { project: 'app', pipeline: 'main', resource: 'lib', version: String(run), reason: null },
  ])
  const { token } = await person(it.house, 'eve', { role: 'viewer', project: 'app' })
  expect(await shown(build!.id, token)).toMatchObject({ project: 'app', follows: [] })
  const line = await it.house.ask('GET /api/v1/projects/app/pipelines/main', undefined, { as: token })
  expect(line.body.resources[1].upstream).toMatchObject({ project: 'shop', visible: false, problem: null })
  const other = await person(it.house, 'olaf', { role: 'viewer', project: 'shop' })
  expect(await shown(run, other.token)).toMatchObject({ project: 'shop', followers: [] })
})

test('a job or a pipeline that is gone, or never was, is said at the resource', async () => {
  await using it = await twoLines()
  const problem = async () => (await it.line()).resources[1].upstream.problem
  await it.follow(APP.replace('shop/main', 'shop/none'))
  expect(await problem()).toBe('shop has no pipeline `none`: nothing was pushed of it yet')
  await it.follow()
  expect(await problem()).toContain('shop has no pipeline `main`')
  await it.push()
  expect(await problem()).toBeNull()
  await it.push({ '.takt.yml': 'jobs: { test: { run: x } }\n' })
  expect(await problem()).toBe('shop/main has no job `publish` any more')
  await it.follow(APP.replace('shop/main/publish', 'app/main/build'))
  expect(await problem()).toBe('this is the pipeline itself: its own jobs are named with `needs`')
})

test('a pull request starts nothing elsewhere, and follows nobody', async () => {
  await using it = await twoLines()
  await it.follow()
  const { run } = await it.publish()
  await sql`delete from heard_ends`.execute(it.house.db)
  await sql`update lanes set kind = 'pull_request' where id = (select lane_id from runs where id = ${run})`.execute(
    it.house.db,
  )
  await it.house.ask(`POST /api/v1/runs/${run}/retry`, {})
  await it.end('publish', 'succeed')
  await sql`update followed_jobs set look_at = now()`.execute(it.house.db)
  await tellEnds(it.house.db)
  expect(await it.heard()).toEqual([])
  await it.clone.push({ '.takt.yml': APP.replace('publish', 'test') }, { branch: 'idea' })
  await it.quiet()
  const { rows } = await sql`select job from followed_jobs`.execute(it.house.db)
  expect(rows).toEqual([{ job: 'publish' }])
})
