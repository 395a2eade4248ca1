import { expect, test } from 'vitest'
import { steeredLine as line } from '../support/steer.ts'

const FILE = `resources:
  src: { git: . }
  nightly: { time: 24h }
jobs:
  build: { get: src, run: say built }
  sweep: { get: nightly, run: say swept }
`
const LINE = '/api/v1/projects/shop/pipelines/main'
type Line = Awaited<ReturnType<typeof line>>
const ask = (it: Line, resource: string, act: 'pause' | 'resume') =>
  it.house.ask(
    `POST ${LINE}/resources/${resource}/${act}`,
    act === 'pause' ? { reason: 'the mirror lies' } : {},
  )
const resourcesOf = async (
  it: Line,
): Promise<{ name: string; paused: unknown; newest: { name: string } }[]> =>
  (await it.house.ask(`GET ${LINE}`)).body.resources

test('versions of a paused resource are recorded and start nothing, and say why', async () => {
  await using it = await line(FILE)
  const first = await it.push()
  await it.end('build', 'succeed')
  expect((await ask(it, 'src', 'pause')).body).toMatchObject({
    ...{ resource: 'src', paused: { by: 'admin', reason: 'the mirror lies' } },
  })
  const second = await it.push()
  expect((await it.runs('build')).map((run) => run.inputs)).toEqual([[`src ${first}`]])
  expect((await it.triggers('build')).at(-1)).toMatchObject({
    ...{ fate: 'no-run', reason: `src ${second} came while it is paused by admin: the mirror lies` },
  })
  const [src] = await resourcesOf(it)
  expect(src).toMatchObject({ name: 'src', paused: { reason: 'the mirror lies' } })
  expect(src?.newest.name.slice(0, 7)).toBe(second)
})

test('when it goes on, jobs look again and take the newest of what came, and the pause outlives a restart', async () => {
  await using it = await line(FILE)
  const first = await it.push()
  await ask(it, 'src', 'pause')
  await it.push()
  const last = await it.push()
  await it.house.restart()
  expect(await it.runs('build')).toHaveLength(1)
  expect((await ask(it, 'src', 'resume')).body.paused).toBeNull()
  const runs = await it.runs('build')
  expect(runs.map((run) => run.inputs)).toEqual([[`src ${first}`], [`src ${last}`]])
  expect(runs.at(-1)?.reason).toContain('src was resumed by admin')
})

test('a schedule that is paused as a resource is paused as a schedule', async () => {
  await using it = await line(FILE)
  await it.push()
  await ask(it, 'nightly', 'pause')
  const schedule = await it.house.ask(`GET ${LINE}/schedules/nightly`)
  expect(schedule.body.paused).toMatchObject({ by: 'admin', reason: 'the mirror lies' })
  expect((await resourcesOf(it)).find(({ name }) => name === 'nightly')?.paused).toMatchObject({
    by: 'admin',
  })
  expect((await ask(it, 'nightly', 'resume')).body.paused).toBeNull()
})

test('a paused resource is looked for by nobody, and who asks for it by hand is told why', async () => {
  await using it = await line(FILE)
  await it.push()
  await ask(it, 'src', 'pause')
  const answer = await it.house.ask(`POST ${LINE}/resources/src/check`)
  expect([answer.status, answer.body.code]).toEqual([409, 'nothing-to-check'])
  expect(answer.body.detail).toContain('paused by admin: the mirror lies')
})
