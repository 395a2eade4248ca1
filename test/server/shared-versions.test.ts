import { expect, test } from 'vitest'
import type { UserId } from '#pipelines/ids.ts'
import { disableVersion, enableVersion } from '../../server/resources/disable-version.ts'
import { publicGit } from '../support/public-git.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { steer, steeredLine } from '../support/steer.ts'
import { tell, ZERO } from '../support/told.ts'

const LINE = '/api/v1/projects/shop/pipelines/main'

test('what comes from outside is listed, pinned and traced on every lane that reads it', async () => {
  await using house = await startHouse()
  await using infra = await publicGit('infra')
  await using clone = await hostedProject(house, 'shop')
  const { quiet } = steer(house.db)
  const file = `triggers: { push: ['**'] }
resources: { src: { git: . }, infra: { git: "${infra.url}" } }
jobs: { plan: { get: [src, infra], run: x } }
`
  await clone.push({ '.takt.yml': file })
  // Deliveries of two repositories are taken side by side: who watches has to be known first.
  await quiet()
  const shas: string[] = []
  for (const before of [ZERO, '']) {
    const after = await infra.clone.push({ count: String(shas.length) })
    const repository = { id: 7, clone_url: infra.url, default_branch: 'main' }
    await tell(house, 'push', { ref: 'refs/heads/main', before: before || shas[0], after, repository })
    shas.push(after)
  }
  await clone.push({}, { branch: 'feature' })
  await quiet()
  const ask = async (request: string, body?: object) => (await house.ask(request, body)).body
  const listed = async (lane: string) =>
    (await ask(`GET ${LINE}/resources/infra/versions?lane=${lane}`)).items.map(
      ({ name, pinned }: { name: string; pinned: { reason: string } | null }) => [
        name,
        pinned?.reason ?? null,
      ],
    )
  const [older, newer] = shas
  expect(await listed('feature')).toEqual([
    [newer, null],
    [older, null],
  ])
  const pin = { lane: 'feature', version: older!.slice(0, 8), reason: 'try it' }
  expect(await ask(`PUT ${LINE}/resources/infra/pin`, pin)).toMatchObject({ version: older, lane: 'feature' })
  expect((await listed('feature')).at(-1)).toEqual([older, 'try it'])
  expect((await listed('main')).at(-1)).toEqual([older, null])
  const started = await ask(`POST ${LINE}/jobs/plan/runs`, { lane: 'feature' })
  expect(started.inputs[1].version).toBe(older)
  const traced = await ask(`GET /api/v1/projects/shop/trace?version=${older}`)
  expect(
    traced.lines.map(({ lane, jobs }: { lane: string; jobs: object[] }) => [lane, ...jobs]),
  ).toMatchObject([
    ['main', { job: 'plan', run: { state: 'queued' } }],
    ['feature', { job: 'plan', run: { id: started.id } }],
  ])
})

const OWN = (push: string) => `triggers: { push: ${push} }
resources: { src: { git: . }, infra: { git: ., branch: infra } }
jobs:
  plan: { get: { src: { trigger: false }, infra: {} }, run: x }
  ship: { get: { src: {}, infra: { trigger: false } }, run: x }
`

test.each(['[main, feature]', "['**']"])(
  'a branch of the same repository that is named is one stream for all lanes, where the pipeline listens to %s',
  async (listens) => {
    await using it = await steeredLine(OWN(listens))
    const main = await it.push()
    const feature = await it.push({}, 'feature')
    expect(await it.runs()).toEqual([])
    const infra = await it.push({}, 'infra')
    const told = (await it.runs()).map(({ job, lane, inputs }) => [job, lane, ...inputs])
    const own = ['ship', 'infra', `src ${infra}`, `infra ${infra}`]
    const [both, onBranch] = [[`src ${main}`, `infra ${infra}`], listens.includes('*') ? [own] : []]
    expect(told.toSorted()).toEqual(
      [
        ['plan', 'main', ...both],
        ['ship', 'main', ...both],
        ['ship', 'feature', `src ${feature}`, `infra ${infra}`],
        ...onBranch,
      ].toSorted(),
    )
    await it.push()
    expect((await it.runs('plan')).length).toBe(1)
    const lanes = await it.house.db
      .selectFrom('versions')
      .innerJoin('resources', 'resources.id', 'versions.resource_id')
      .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
      .select(['lanes.name', 'versions.name as version'])
      .where('resources.name', '=', 'infra')
      .execute()
    expect(lanes.map(({ name, version }) => [name, version.slice(0, 7)])).toEqual([['main', infra]])
  },
)

test('a branch that is named is asked for its own paths, not for those of the pipeline’s triggers', async () => {
  await using it = await steeredLine(`triggers: { push: { branches: main, paths: [src/**] } }
resources: { src: { git: . }, infra: { git: ., branch: infra, paths: [prod/**] } }
jobs: { plan: { get: infra, run: x } }
`)
  await it.push({ 'src/a': '1' })
  const first = await it.push({ 'prod/a': '1' }, 'infra')
  await it.push({ 'test/a': '1' }, 'infra')
  const last = await it.push({ 'prod/a': '2' }, 'infra')
  expect((await it.runs('plan')).map(({ inputs }) => inputs)).toEqual([[`infra ${first}`], [`infra ${last}`]])
})

test('a named branch that is the default one has its versions there, for all lanes', async () => {
  await using it = await steeredLine(`triggers: { push: ['**'] }
resources: { src: { git: . }, trunk: { git: ., branch: main } }
jobs: { compare: { get: { src: {}, trunk: { trigger: false } }, run: x } }
`)
  const main = await it.push()
  const feature = await it.push({}, 'feature')
  expect((await it.runs()).map(({ inputs }) => inputs)).toEqual([
    [`src ${main}`, `trunk ${main}`],
    [`src ${feature}`, `trunk ${main}`],
  ])
})

test('what is decided about a shared version counts on every lane, and starts jobs of its own on the default one alone', async () => {
  await using it = await steeredLine(`triggers: { push: [main, feature] }
resources: { src: { git: . }, infra: { git: ., branch: infra } }
jobs:
  build: { get: { src: {}, infra: { trigger: false } }, run: x }
  test: { needs: build, run: x }
  plan: { get: [src, infra], run: x }
`)
  const by = { id: 1 as UserId, name: 'Ann' }
  const versionOf = async (name: string) =>
    (
      await it.house.db
        .selectFrom('versions')
        .innerJoin('resources', 'resources.id', 'versions.resource_id')
        .select('versions.id')
        .where('resources.name', '=', 'infra')
        .where('versions.name', 'like', `${name}%`)
        .executeTakeFirstOrThrow()
    ).id
  const disable = async (name: string) =>
    disableVersion(it.house.db, await versionOf(name), { by, reason: 'it leaks' })
  const enable = async (name: string) => enableVersion(it.house.db, await versionOf(name), by)
  const onFeature = async () =>
    (await it.runs()).filter(({ lane }) => lane === 'feature').map(({ job, inputs }) => [job, ...inputs])
  await it.push()
  const first = await it.push({}, 'infra')
  await disable(first)
  const feature = await it.push({}, 'feature')
  expect(await onFeature()).toEqual([])
  await enable(first)
  const set = [`src ${feature}`, `infra ${first}`]
  expect((await onFeature()).toSorted()).toEqual([
    ['build', ...set],
    ['plan', ...set],
  ])
  await disable(first)
  await it.end('build', 'succeed')
  expect(await it.runs('test')).toEqual([])
  await enable(first)
  expect((await it.runs('test')).map(({ lane, inputs }) => [lane, ...inputs])).toEqual([['feature', ...set]])
  const second = await it.push({}, 'infra')
  await disable(second)
  await enable(second)
  expect((await it.runs('plan')).map(({ lane, inputs }) => [lane, inputs[1]])).toEqual([
    ['main', `infra ${first}`],
    ['feature', `infra ${first}`],
    ['main', `infra ${second}`],
  ])
})
