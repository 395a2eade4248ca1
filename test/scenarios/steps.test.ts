import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const FILE = `jobs:
  build:
    outputs: [hash]
    inactivity: 10m
    env: { WHO: job }
    steps:
      - name: flaky
        run:
          - if ! [ -e ../state/tried ]; then touch ../state/tried; exit 7; fi
          - echo "second try of $WHO"
        env: { WHO: step }
        retry: { max: 2, on: ["exit:7"], delay: 1s }
      - name: both
        parallel:
          - { name: left, run: 'touch left; until [ -e right ]; do sleep 0.05; done; echo met' }
          - { name: right, run: 'touch right; until [ -e left ]; do sleep 0.05; done; echo met' }
      - { name: sloppy, run: exit 3, allow_failure: true }
      - { name: never, if: $(src.branch) == "dev", run: echo never }
      - for_each: { in: [pear, fig], as: fruit, steps: [{ name: eat, run: 'echo "$EACH_FRUIT"' }] }
      - { name: say, run: 'echo "hash=abc" >> "$TAKT_OUTPUT"', always: echo tidied }
    on_failure: echo never
    always: echo over
  use:
    needs: build
    run: echo "built $BUILD_HASH"
  broken:
    needs: build
    steps:
      - { name: deploy, run: exit 4, on_failure: 'echo "rolling back"' }
      - { name: after, run: echo never }
    on_failure: echo sad
`

type Step = { name: string; state: string; reason?: string | null; exit_code: number | null }

test('a job of steps, groups, hooks and tries runs as it is written, from the push to the page', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house, { engine: 'local' })
  await clone.push({ '.takt.yml': FILE })
  const ended = async () => {
    const { items } = (await house.ask('GET /api/v1/runs')).body
    return items.length === 3 && items.every((run: { ended_at: string | null }) => run.ended_at) && items
  }
  const runs = await until(ended, { withinMs: 30_000 })
  const find = async (job: string) => {
    const { id } = runs.find((run: { job: string }) => run.job === job)
    const { body } = await house.ask(`GET /api/v1/runs/${id}`)
    const log = (await house.ask(`GET /api/v1/runs/${id}/log`)).text
    return { run: body, log, states: body.steps.map(({ name, state }: Step) => `${name} ${state}`) }
  }
  const build = await find('build')
  expect(build.states).toEqual([
    'prepare succeeded',
    'flaky succeeded',
    'both succeeded',
    'left succeeded',
    'right succeeded',
    'sloppy failed',
    'never skipped',
    'for each succeeded',
    'eat (pear) succeeded',
    'eat (fig) succeeded',
    'say succeeded',
    'run succeeded',
    'run skipped',
    'run succeeded',
    'finish succeeded',
  ])
  expect(build.run.state).toBe('succeeded')
  for (const text of [
    'exit code 7; again in',
    'second try of step',
    'met',
    'pear\n',
    'fig\n',
    'tidied',
    'over',
  ])
    expect(build.log).toContain(text)
  expect(build.log).not.toContain('never')
  expect((await find('use')).log).toContain('built abc\n')
  const broken = await find('broken')
  expect(broken.run).toMatchObject({ state: 'failed' })
  expect(broken.states).toEqual([
    'prepare succeeded',
    'deploy failed',
    'run succeeded',
    'after skipped',
    'run succeeded',
  ])
  const after = broken.run.steps.find(({ name }: Step) => name === 'after')
  expect(after.reason).toBe('`deploy` failed')
})
