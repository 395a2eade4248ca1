import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { steeredLine } from '../support/steer.ts'
import { tell, ZERO } from '../support/told.ts'

const QUIET = `jobs:
  build: { run: x }
  lint: { run: x }
  ship: { needs: { build: {}, lint: { trigger: false } }, run: x }
`

test('a trigger that lacked an edge which starts nothing becomes a run when that one comes', async () => {
  await using it = await steeredLine(QUIET)
  const sha = await it.push()
  await it.end('build', 'succeed')
  expect(await it.triggers('ship')).toMatchObject([
    { kind: 'ending', edge: 'build', fate: 'no-run', reason: `waits for lint on ${sha}, which is queued` },
  ])
  await it.end('lint', 'succeed')
  expect(await it.runs('ship')).toMatchObject([{ inputs: [`src ${sha}`], reason: `build passed src ${sha}` }])
  expect(await it.triggers('ship')).toMatchObject([{ edge: 'build', fate: 'run', reason: null }])
})

test('an edge that starts nothing starts nothing where no trigger lacks it', async () => {
  await using it = await steeredLine(QUIET)
  await it.push()
  await it.end('lint', 'succeed')
  expect(await it.triggers('ship')).toEqual([])
  await it.end('build', 'succeed')
  const [first] = await it.runs('lint')
  await it.house.ask(`POST /api/v1/runs/${first!.id}/retry`)
  await it.end('lint', 'succeed')
  expect(await it.runs('ship')).toHaveLength(1)
})

test('what was lacking is not asked for any more when the job has gone on', async () => {
  await using it = await steeredLine(QUIET)
  await it.push()
  await it.end('build', 'succeed')
  const second = await it.push()
  await it.end('lint', 'succeed')
  await it.end('build', 'succeed')
  expect((await it.runs('ship')).map((run) => run.inputs)).toEqual([[`src ${second}`]])
  const [first] = await it.runs('lint')
  await it.endRun(first!.id, 'succeed')
  expect((await it.runs('ship')).map((run) => run.inputs)).toEqual([[`src ${second}`]])
})

test('the first version of what comes from outside starts what waited for it on every lane, later ones do not', async () => {
  await using infra = await publicGit('infra')
  await using it = await steeredLine(`triggers: { push: ['**'] }
resources: { src: { git: . }, infra: { git: "${infra.url}" } }
jobs: { ship: { get: { src: {}, infra: { trigger: false } }, run: x } }
`)
  const main = await it.push()
  const feature = await it.push({}, 'feature')
  expect(await it.runs()).toEqual([])
  const told = async (before: string) => {
    const after = await infra.clone.push({ before })
    const repository = { id: 7, clone_url: infra.url, default_branch: 'main' }
    await tell(it.house, 'push', { ref: 'refs/heads/main', before, after, repository })
    return after
  }
  const first = await told(ZERO)
  const started = [main, feature].map((sha) => [`src ${sha}`, `infra ${first.slice(0, 7)}`])
  expect((await it.runs()).map((run) => run.inputs)).toEqual(started)
  await told(first)
  expect(await it.runs()).toHaveLength(2)
})
