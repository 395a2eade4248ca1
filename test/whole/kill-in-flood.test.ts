import { expect, test } from 'vitest'
import { machine, type Victim } from '../support/machine.ts'
import { until } from '../support/until.ts'

const ROUNDS = 25
const LINES = 20_000
/** Half a megabyte at a time, which travels packed, with a little time between them: a kill falls into the middle of it. */
const FLOOD = `i=0; while [ $i -lt ${ROUNDS} ]; do i=$((i+1)); seq -f "round $i line %.0f of many" 1 ${LINES}; sleep 0.1; done`
const FILE = `jobs: { flood: { image: "takt-demo:1", run: '${FLOOD}' } }\n`

test.for<Victim>(['server', 'postgres'])(
  '%s killed with -9 in the middle of a flood of log: every line of it is there once, in order',
  { timeout: 180_000 },
  async (victim) => {
    await using house = await machine('local')
    await using clone = await house.clone()
    await clone.push({ '.takt.yml': FILE })
    const logOf = (query: string) => house.ask(`/api/v1/runs/1/log?as=json&${query}`)
    const runs = async () => (await house.ask('/api/v1/runs?limit=10')).items
    await until(async () => (await runs()).length === 1 && (await logOf('limit=1')).total > 2 * LINES, {
      withinMs: 60_000,
    })
    process.kill(await house.pidOf(victim), 'SIGKILL')
    await until(async () => (await runs())[0]?.state === 'succeeded', { withinMs: 120_000 })

    const said: string[] = []
    for (let from = 0; ;) {
      const { lines } = await logOf(`from=${from}&limit=5000`)
      if (lines.length === 0) break
      said.push(...lines.filter(({ step }: { step: number }) => step === 1).map(textOf))
      from = lines.at(-1).line + 1
    }
    const expected = Array.from({ length: ROUNDS * LINES }, (_, index) => {
      const [round, line] = [Math.floor(index / LINES) + 1, (index % LINES) + 1]
      return `round ${round} line ${line} of many`
    })
    expect(said.length).toBe(expected.length)
    expect(said.findIndex((text, index) => text !== expected[index])).toBe(-1)
  },
)

const textOf = ({ text }: { text: string }) => text
