import { expect, test } from 'vitest'
import type { Engine, ExitStatus, Output } from '../../runner/engine.ts'
import { exited } from '../../runner/engine.ts'
import { scriptedEngine } from '../../runner/scripted.ts'
import { deadline, Silence } from '../../runner/steps/clocks.ts'
import type { Work } from '../../runner/work.ts'
import { until } from '../support/until.ts'
import { performed } from './performed.ts'
import { planOf } from './plans.ts'

const INACTIVITY_MS = 100
const passed = async (ms: number) => {
  using clock = deadline(ms, 'step')
  await until(() => clock.signal.aborted)
}

test('silence is not what nobody listens to, and begins when somebody listens again', async () => {
  using silence = new Silence(INACTIVITY_MS)
  {
    using _outer = silence.deafen()
    {
      using _inner = silence.deafen()
      await passed(2 * INACTIVITY_MS)
    }
    await passed(2 * INACTIVITY_MS)
    expect(silence.signal.aborted).toBe(false)
  }
  const from = performance.now()
  await until(() => silence.signal.aborted)
  expect(performance.now() - from).toBeGreaterThan(INACTIVITY_MS / 2)
})

test('a run that is made to wait for the server is not ended for its silence', async () => {
  const scripted = scriptedEngine()
  const chatty: Engine = {
    ...scripted,
    open: async (...told) => ({
      ...(await scripted.open(...told)),
      shell: async () => ({
        usable: true,
        async *run(_, signal): AsyncGenerator<Output, ExitStatus> {
          for (let at = 0; at < 40; at++) yield { kind: 'bytes', bytes: Buffer.alloc(256 * 1024, 'x') }
          signal.throwIfAborted()
          return exited(0)
        },
      }),
      [Symbol.asyncDispose]: async () => {},
    }),
  }
  let away: Promise<void> | null = null
  const serverComesBack = async (work: Work) => {
    await passed(4 * INACTIVITY_MS)
    work.heard(10_000)
  }
  let said = 0
  const run = await performed(planOf(['flood'], { inactivityMs: INACTIVITY_MS }), {
    engine: chatty,
    hear: (work, entry) => {
      if (entry.kind === 'log') said += entry.text.length
      if (said > 8 * 2 ** 20) away ??= serverComesBack(work)
    },
  })
  await away
  expect(run.end).toMatchObject({ move: 'succeed', error: null })
  expect(run.log(1).length).toBe(10 * 2 ** 20)
})
