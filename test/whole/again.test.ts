import { expect, test } from 'vitest'
import { type Machine, machine } from '../support/machine.ts'
import { until } from '../support/until.ts'

/** The first attempt fails, the second one is long enough to be killed, the third one is good. */
const FILE = `jobs:
  flaky:
    retry: { max: 3, delay: 4s }
    run: 'case $TAKT_ATTEMPT in 1) exit 3;; 2) echo long; sleep 60;; *) echo good;; esac'
  after: { needs: flaky, run: echo after }
`
const SLOW = { withinMs: 60_000, everyMs: 50 }

type Run = {
  readonly id: number
  readonly job: string
  readonly state: string
  readonly attempt: number
  readonly not_before: string | null
}
const runs = async (house: Machine): Promise<Run[]> =>
  (await house.ask('/api/v1/runs?limit=50')).items.toReversed()
const flaky = async (house: Machine) => (await runs(house)).find((run) => run.job === 'flaky')

test(
  'a server killed in the pause before an attempt, and a runner killed in the attempt, cost one attempt and nothing else',
  {
    timeout: 180_000,
  },
  async () => {
    await using house = await machine('local')
    await using clone = await house.clone()
    await clone.push({ '.takt.yml': FILE })
    await until(async () => (await flaky(house))?.not_before, SLOW)
    process.kill(await house.pidOf('server'), 'SIGKILL')
    await until(async () => {
      const run = await flaky(house)
      return run?.state === 'running' && run.attempt === 2
    }, SLOW)
    process.kill(await house.pidOf('runner'), 'SIGKILL')
    const all = await until(async () => {
      const now = await runs(house)
      return now.some((run) => run.job === 'after' && run.state === 'succeeded') && now
    }, SLOW)
    expect(all.map((run) => `${run.job} ${run.state} in attempt ${run.attempt}`)).toEqual([
      'flaky succeeded in attempt 3',
      'after succeeded in attempt 1',
    ])
    const { earlier } = await house.ask(`/api/v1/runs/${all[0]!.id}`)
    expect(earlier.map((each: { reason: string }) => each.reason)).toEqual([
      'attempt 1 failed: exit code 3',
      'attempt 2 was lost: the runner went silent',
    ])
  },
)
