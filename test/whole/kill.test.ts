import { expect, test } from 'vitest'
import { type Machine, machine, type Victim } from '../support/machine.ts'
import { until } from '../support/until.ts'

const LINES = 60
/** Numbered lines with a little time between them, so that a kill falls into the middle of one. */
const COUNT = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done`
const CHAIN = ['one', 'two', 'three']
const FILE = `jobs:
  one: { image: "takt-demo:1", run: '${COUNT}' }
  two: { image: "takt-demo:1", needs: one, run: '${COUNT}' }
  three: { image: "takt-demo:1", needs: two, run: '${COUNT}' }
`
const EXPECTED = Array.from({ length: LINES }, (_, index) => `line ${index + 1}`)

type Run = { id: number; job: string; state: string; attempt: number; inputs: { version: string }[] }
const runsOf = async (house: Machine): Promise<Run[]> =>
  (await house.ask('/api/v1/runs?limit=200')).items.toReversed()

/** Wait until a job of the chain is in the middle of its output. */
const inTheMiddleOf = (house: Machine, job: string) =>
  until(
    async () => {
      const run = (await runsOf(house)).find((each) => each.job === job && each.state === 'running')
      if (!run) return false
      const { lines } = await house.ask(`/api/v1/runs/${run.id}/log?as=json&limit=5000`)
      return lines.some((line: { step: number }) => line.step === 1)
    },
    { withinMs: 60_000 },
  )

const engines = [
  ['local', ''],
  [
    'docker',
    process.env['TAKT_TEST_DOCKER'] === '1'
      ? ''
      : ` (skipped: ${process.env['TAKT_TEST_DOCKER_WHY'] ?? 'run by npm test, which looks for an engine'})`,
  ],
] as const
const victims: readonly (readonly [Victim, string])[] = [
  ['server', 'one'],
  ['runner', 'two'],
  ['postgres', 'two'],
  ['server', 'three'],
]

for (const [engine, skipped] of engines) {
  test.skipIf(skipped !== '').for(victims)(
    `on ${engine}${skipped}: %s killed with -9 in the middle of job %s: each job is green once, and its log exact`,
    { timeout: 180_000 },
    async ([victim, job]) => {
      await using house = await machine(engine)
      await using clone = await house.clone()
      const sha = await clone.push({ '.takt.yml': FILE })
      await inTheMiddleOf(house, job)
      process.kill(await house.pidOf(victim), 'SIGKILL')

      const runs = await until(
        async () => {
          const all = await runsOf(house)
          return all.some((run) => run.job === 'three' && run.state === 'succeeded') && all
        },
        { withinMs: 120_000 },
      )
      expect(runs.map((run) => `${run.job} ${run.state}`)).toEqual(CHAIN.map((name) => `${name} succeeded`))
      expect(new Set(runs.map((run) => run.inputs[0]!.version))).toEqual(new Set([sha]))
      const attempts = runs.map((run) => run.attempt)
      // a dead runner costs its run an attempt; a dead server or database costs nobody anything
      expect(attempts).toEqual(CHAIN.map((name) => (victim === 'runner' && name === job ? 2 : 1)))
      for (const run of runs) {
        const { lines } = await house.ask(`/api/v1/runs/${run.id}/log?as=json&limit=5000`)
        expect(
          lines
            .filter((line: { step: number }) => line.step === 1)
            .map((line: { text: string }) => line.text),
        ).toEqual(EXPECTED)
      }
      expect((await house.ask('/api/v1/deliveries')).items).toHaveLength(1)
    },
  )
}

test(
  'everything killed at once: the next start heals, and the line goes on',
  { timeout: 180_000 },
  async () => {
    await using house = await machine('local')
    await using clone = await house.clone()
    await clone.push({ '.takt.yml': FILE })
    await inTheMiddleOf(house, 'one')
    const pids = await Promise.all(
      (['runner', 'server', 'postgres'] as const).map((victim) => house.pidOf(victim)),
    )
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    const runs = await until(
      async () => {
        const all = await runsOf(house)
        return all.some((run) => run.job === 'three' && run.state === 'succeeded') && all
      },
      { withinMs: 120_000 },
    )
    expect(runs.map((run) => `${run.job} ${run.state}`)).toEqual(CHAIN.map((name) => `${name} succeeded`))
  },
)
