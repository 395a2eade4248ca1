import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const LINE = `resources:
  src: { git: . }
  docs: { git: ., branch: docs }
  release: { semver: { initial: 1.0.0 } }
  settings: { params: { REGION: eu } }
  tfstate: { state: {} }
  bundle: { files: {} }
triggers: { push: main }
jobs:
  cut:
    get: { src: {}, tfstate: {} }
    steps:
      - run: |
          mkdir out && echo built > out/app
          echo applied > out/state
      - put: { bundle: { paths: out/app } }
      - put: { release: { bump: minor } }
      - put: { settings: { set: { SIZE: "3" } } }
      - put: { tfstate: { paths: out/state, set: { serial: "7" } } }
      - run: 'echo "cut $RELEASE_VERSION $SETTINGS_SIZE $TFSTATE_SERIAL" && mkdir page && echo "$RELEASE_VERSION" > page/index'
      - put: { docs: { branch: docs, message: "Release it", paths: page/** } }
  deploy:
    get: { release: {}, bundle: { trigger: false }, settings: { trigger: false }, tfstate: {}, docs: { trigger: false } }
    run: 'echo "deploy $RELEASE_VERSION $SETTINGS_REGION$SETTINGS_SIZE $TFSTATE_SERIAL" && find "$BUNDLE_DIR" "$TFSTATE_DIR" -type f -exec cat {} +'
`

test('what a job puts, another one gets: files, numbers, values, state and commits, by real processes', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house, { engine: 'local' })
  await clone.push({ page: 'none' }, { branch: 'docs' })
  await clone.push({ page: null, '.takt.yml': LINE })
  const ended = async (job: string) => {
    const { items } = (await house.ask(`GET /api/v1/runs?project=shop&job=${job}&pipeline=main`)).body
    return items.find((run: { ended_at: string | null; outputs: object }) => run.ended_at !== null)
  }
  const log = async (id: number) =>
    (await house.ask(`GET /api/v1/runs/${id}/log`, undefined, { headers: { accept: 'text/plain' } })).text
  const cut = await until(() => ended('cut'), { withinMs: 60_000 })
  const cutLog = await log(cut.id)
  expect(cut.state, cutLog).toBe('succeeded')
  expect(cutLog).toContain('cut 1.1.0 3 7')
  expect(cut.outputs).toMatchObject({ release: '1.1.0', settings: '2', tfstate: '1' })
  const deployed = await until(
    async () => {
      const { items } = (await house.ask('GET /api/v1/runs?project=shop&pipeline=main&job=deploy')).body
      return items.find(
        ({ inputs, ended_at }: { inputs: { version: string }[]; ended_at: string | null }) =>
          ended_at !== null && inputs.some(({ version }) => version === '1.1.0'),
      )
    },
    { withinMs: 60_000 },
  )
  const words = await log(deployed.id)
  expect(words).toContain('deploy 1.1.0 eu3 7')
  expect(words).toMatch(/built[^]*applied/)
  expect(await clone.git('ls-remote', 'origin', 'refs/heads/docs')).toContain(cut.outputs.docs)
})
