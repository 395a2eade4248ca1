import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { steer } from '../support/steer.ts'
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
