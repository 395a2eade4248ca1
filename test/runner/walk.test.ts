import { describe, expect, test } from 'vitest'
import type { PlanStep } from '#pipelines/wire/plan.ts'
import { StepFailed } from '../../runner/engine.ts'
import { Stop } from '../../runner/stop.ts'
import { performed } from './performed.ts'
import { groupStep, hooksOf, planOf, runStep } from './plans.ts'

const cancel = new Stop('cancelled', 'a person said so')
/** A retry at once, so that no test waits. */
const retry = (max: number, ...on: string[]) => ({ max, on, backoff: 'fixed' as const, delayMs: 0 })

describe('steps', () => {
  test('run one after the other until one fails, and the others say why they did not', async () => {
    const steps = [
      runStep(1, ['say one']),
      runStep(2, ['fail 3'], { name: 'build' }),
      runStep(3, ['say never']),
    ]
    const ran = await performed(planOf([], { steps }))
    expect(ran.states).toEqual({ 1: 'succeeded', 2: 'failed', 3: 'skipped: `build` failed' })
    expect(ran.end).toEqual({ kind: 'run.ended', move: 'fail', error: null, exitCode: 3 })
  })

  test('whose condition did not hold are passed over, with all that is inside them', async () => {
    const skip = '`if: x` does not hold'
    const hooks = hooksOf({ always: [runStep(3, ['say never'])] })
    const steps = [groupStep(1, [runStep(2, ['say never'])], { skip, hooks }), runStep(4, ['say on'])]
    const ran = await performed(planOf([], { steps }))
    expect(ran.states).toEqual({
      1: `skipped: ${skip}`,
      2: `skipped: ${skip}`,
      3: `skipped: ${skip}`,
      4: 'succeeded',
    })
    expect(ran.end.move).toBe('succeed')
  })

  test('that may fail let the run go on, and are told apart', async () => {
    const steps = [runStep(1, ['fail 3'], { allowFailure: true }), runStep(2, ['say on'])]
    const ran = await performed(planOf([], { steps }))
    expect(ran.states).toEqual({ 1: 'failed (allowed)', 2: 'succeeded' })
    expect(ran.end).toMatchObject({ move: 'succeed', exitCode: null })
  })

  test('that may fail may not break', async () => {
    const ran = await performed(planOf([], { steps: [runStep(1, ['break'], { allowFailure: true })] }))
    expect(ran.states).toEqual({ 1: 'errored' })
    expect(ran.end).toMatchObject({ move: 'break', error: { code: 'engine_unavailable' } })
  })

  test('find the variables of the job, of the groups around them and their own, the innermost first', async () => {
    const inner = [runStep(2, ['env A', 'env B', 'env C', 'env D'], { env: { A: 'step' } })]
    const steps = [groupStep(1, inner, { env: { A: 'group', B: 'group' } })]
    const plan = planOf([], { steps, env: { A: 'job', B: 'job', C: 'job' }, secrets: { D: 'se' } })
    expect((await performed(plan)).log(2)).toBe('step\ngroup\njob\nse\n')
  })

  test('find where things lie, whatever the author calls so', async () => {
    const plan = planOf(
      [
        'env TAKT_OUTPUT',
        'env TAKT_STATE',
        'env TAKT_STATE_BUILD_ALL',
        'env TAKT_WORKSPACE',
        'env INFRA_DIR',
      ],
      {
        env: { TAKT_OUTPUT: '/etc/passwd' },
        statesOf: ['build-all'],
        gets: [{ kind: 'files', resource: 'infra', version: '1' }],
      },
    )
    const { log } = await performed(plan, { resources: { get: async () => ({}) } })
    expect(log(1)).toBe('/takt/output\n/takt/state\n/takt/states/build-all\n/takt/work\n/takt/inputs/infra\n')
  })
})

test('what an image has put lies where its variable says, unless nobody wants it', async () => {
  const putStep = (step: number, resource: string, params: Record<string, boolean>): PlanStep => {
    const { commands: _none, ...around } = runStep(step, [])
    return { ...around, kind: 'put', put: { kind: 'custom', resource, image: 'x:1', source: {}, params } }
  }
  const steps = [
    putStep(1, 'ticket', {}),
    putStep(2, 'chat', { no_get: true }),
    runStep(3, ['env TICKET_DIR', 'env CHAT_DIR']),
  ]
  const made = { version: '1', fields: {} }
  const { log } = await performed(planOf([], { steps }), { resources: { put: async () => made } })
  expect(log(3)).toBe('/takt/inputs/ticket\n\n')
})

describe('a step with a retry', () => {
  test('is tried again until it succeeds, and says so', async () => {
    const steps = [runStep(1, ['say trying', 'fail-first 2 3'], { retry: retry(2, 'failed') })]
    const ran = await performed(planOf([], { steps }))
    expect(ran.states).toEqual({ 1: 'succeeded' })
    expect(ran.entries.filter(({ kind }) => kind === 'step.tried')).toEqual([
      { kind: 'step.tried', step: 1, tries: 2 },
      { kind: 'step.tried', step: 1, tries: 3 },
    ])
    expect(ran.log(1)).toMatch(
      /^trying\nattempt 1 failed: exit code 3; again in 0 s\ntrying\nattempt 2.*\ntrying\n$/,
    )
  })

  test('fails when all its tries have', async () => {
    const ran = await performed(
      planOf([], { steps: [runStep(1, ['fail 3'], { retry: retry(2, 'failed') })] }),
    )
    expect(ran.entries.filter(({ kind }) => kind === 'step.tried').length).toBe(2)
    expect(ran.end).toMatchObject({ move: 'fail', exitCode: 3 })
  })

  test.each([
    ['fail 3', ['errored'], 0],
    ['fail 3', ['exit:3'], 1],
    ['fail 3', ['exit:4'], 0],
    ['fail 137', ['signal'], 1],
    ['fail 3', ['signal'], 0],
    ['break', ['errored'], 1],
    ['break', ['failed'], 0],
    ['hang', ['timeout'], 1],
  ])('`%s` with `on: %j` is tried again %i times', async (command, on, times) => {
    const steps = [runStep(1, [command], { retry: retry(1, ...on), timeoutMs: 50 })]
    const ran = await performed(planOf([], { steps }))
    expect(ran.entries.filter(({ kind }) => kind === 'step.tried').length).toBe(times)
  })

  test('waits no longer when the run is stopped', async () => {
    const steps = [runStep(1, ['fail 3'], { retry: { ...retry(5, 'failed'), delayMs: 60_000 } })]
    const ran = await performed(planOf([], { steps }), {
      hear: (work, entry) =>
        entry.kind === 'log' && entry.text.includes('again in 60 s') && work.stop(cancel),
    })
    expect([ran.states, ran.end.move]).toEqual([{ 1: 'cancelled' }, 'cancel'])
  })
})

describe('a step’s time', () => {
  test('ends it, and what stands behind it is not reached', async () => {
    const ran = await performed(
      planOf([], {
        steps: [runStep(1, ['hang'], { name: 'e2e', timeoutMs: 50 }), runStep(2, ['say never'])],
      }),
    )
    expect(ran.states).toEqual({ 1: 'failed', 2: 'skipped: `e2e` failed' })
    expect(ran.end).toMatchObject({
      move: 'fail',
      error: { code: 'timeout', message: 'The step took longer than the 0.05 s it has.' },
      exitCode: null,
    })
    expect(ran.log(1)).toBe('The step took longer than the 0.05 s it has.\n')
  })

  test('is a group’s for all of its members', async () => {
    const ran = await performed(
      planOf([], { steps: [groupStep(1, [runStep(2, ['hang'])], { timeoutMs: 50 })] }),
    )
    expect(ran.states).toEqual({ 1: 'failed', 2: 'failed' })
    expect(ran.end.error).toMatchObject({ code: 'timeout' })
  })

  test('of silence ends it, but not while it speaks', async () => {
    const commands = [...Array.from({ length: 10 }, () => ['sleep 20', 'say up']).flat(), 'hang']
    const ran = await performed(planOf(commands, { inactivityMs: 100 }))
    expect(ran.log(1).split('up\n').length).toBe(11)
    expect(ran.end).toMatchObject({ move: 'fail', error: { code: 'inactive' } })
  })
})

describe('a group', () => {
  test('runs as many members at once as it may', async () => {
    const members = [2, 3, 4, 5].map((step) => runStep(step, ['sleep 20']))
    for (const [maxParallel, most] of [
      [1, 1],
      [2, 2],
      [null, 4],
    ] as const) {
      let [going, highest] = [0, 0]
      const ran = await performed(planOf([], { steps: [groupStep(1, members, { maxParallel })] }), {
        hear: (_work, entry) => {
          if (!('step' in entry) || entry.step < 2) return
          if (entry.kind === 'step.started') highest = Math.max(highest, ++going)
          if (entry.kind === 'step.ended') going--
        },
      })
      expect([highest, ran.end.move]).toEqual([most, 'succeed'])
    }
  })

  test('that fails fast ends the others', async () => {
    const members = [
      runStep(2, ['hang']),
      runStep(3, ['fail 3'], { name: 'unit' }),
      runStep(4, ['say never']),
    ]
    const ran = await performed(planOf([], { steps: [groupStep(1, members, { maxParallel: 2 })] }))
    expect(ran.states).toEqual({ 1: 'failed', 2: 'cancelled', 3: 'failed', 4: 'skipped: `unit` failed' })
    expect(ran.end).toMatchObject({ move: 'fail', exitCode: 3 })
  })

  test('that does not lets them end, and fails with the first', async () => {
    const members = [runStep(2, ['sleep 50', 'say done']), runStep(3, ['fail 3']), runStep(4, ['fail 4'])]
    const ran = await performed(
      planOf([], { steps: [groupStep(1, members, { maxParallel: 2, failFast: false })] }),
    )
    expect(ran.states).toEqual({ 1: 'failed', 2: 'succeeded', 3: 'failed', 4: 'failed' })
    expect(ran.end).toMatchObject({ move: 'fail', exitCode: 3 })
  })

  test('is tried again as a whole', async () => {
    const members = [runStep(2, ['say one']), runStep(3, ['fail-first 1 3'])]
    const steps = [groupStep(1, members, { maxParallel: 1, retry: retry(1, 'failed') })]
    const ran = await performed(planOf([], { steps }))
    expect(ran.begun).toEqual([1, 2, 3, 2, 3])
    expect(ran.end.move).toBe('succeed')
  })

  test('whose members may fail is good', async () => {
    const ran = await performed(
      planOf([], { steps: [groupStep(1, [runStep(2, ['fail 1'], { allowFailure: true })])] }),
    )
    expect(ran.states).toEqual({ 1: 'succeeded', 2: 'failed (allowed)' })
  })
})

describe('gets and puts', () => {
  const put = { kind: 'semver', resource: 'release', bump: 'minor', pre: null } as const
  const { commands: _none, ...around } = runStep(1, [])

  test('tell later steps what they made', async () => {
    const steps = [
      { ...around, kind: 'put', put } as const,
      runStep(2, ['env RELEASE_VERSION', 'env RELEASE_NOTES_URL']),
    ]
    const ran = await performed(planOf([], { steps }), {
      resources: {
        put: async (_put, { write }) => {
          await write(Buffer.from('bumped\n'))
          return { version: '1.3.0', fields: { 'notes-url': 'u' } }
        },
      },
    })
    expect([ran.log(1), ran.log(2)]).toEqual(['bumped\n', '1.3.0\nu\n'])
  })

  test('fail by what their own program says', async () => {
    const resources = { put: () => Promise.reject(new StepFailed(4, 'no such branch')) }
    const ran = await performed(planOf([], { steps: [{ ...around, kind: 'put', put }] }), { resources })
    expect(ran.log(1)).toBe('no such branch\n')
    expect(ran.end).toMatchObject({ move: 'fail', exitCode: 4, error: { code: 'step_failed' } })
  })

  test('that the job gets are fetched before its first step', async () => {
    const gets = [{ kind: 'values', resource: 'settings', version: '7' } as const]
    const resources = { get: async () => ({ region: 'eu' }) }
    expect((await performed(planOf(['env SETTINGS_REGION'], { gets }), { resources })).log(1)).toBe('eu\n')
  })
})

describe('values', () => {
  const outputs = ['hash', 'empty']
  const values = (entries: readonly { kind: string }[]) =>
    entries.filter(({ kind }) => kind === 'outputs').at(-1)

  test('that a job hands on are told, the last of each name', async () => {
    const ran = await performed(planOf(['put hash=1', 'put empty=', 'put hash=a=b'], { outputs }))
    expect(values(ran.entries)).toEqual({ kind: 'outputs', values: { hash: 'a=b', empty: '' } })
  })

  test('that it does not name are told to nobody, which its log says once', async () => {
    const steps = [runStep(1, ['put other=1', 'put nonsense']), runStep(2, ['put other=2'])]
    const ran = await performed(planOf([], { steps, outputs }))
    expect(values(ran.entries)).toBeUndefined()
    expect(ran.log(1)).toBe(
      '`other` is written to $TAKT_OUTPUT, but `outputs` of the job does not name it: nobody gets it.\n' +
        'A line of $TAKT_OUTPUT is not `name=value`: "nonsense".\n',
    )
    expect(ran.log(2)).toBe('')
  })

  test('of a step that fails are told as well', async () => {
    const ran = await performed(planOf(['put hash=1', 'fail 3'], { outputs }))
    expect(values(ran.entries)).toMatchObject({ values: { hash: '1' } })
  })
})
