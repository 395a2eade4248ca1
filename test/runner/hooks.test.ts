import { describe, expect, test } from 'vitest'
import type { PlanHooks } from '#pipelines/wire/plan.ts'
import { scriptedEngine } from '../../runner/scripted.ts'
import { Stop } from '../../runner/stop.ts'
import { performed } from './performed.ts'
import { groupStep, hooksOf, planOf, runStep } from './plans.ts'

const cancel = new Stop('cancelled', 'a person said so')
const NAMES = ['on_success', 'on_failure', 'on_error', 'on_cancel', 'always'] as const
/** A hook for every end, numbered from `first` in the order of `NAMES`. */
const everyHook = (first: number): PlanHooks =>
  hooksOf(Object.fromEntries(NAMES.map((name, index) => [name, [runStep(first + index, [`say ${name}`])]])))

describe('hooks', () => {
  test.each([
    ['say good', 'on_success', 'succeed'],
    ['fail 3', 'on_failure', 'fail'],
    ['break', 'on_error', 'break'],
  ])('after `%s` the job’s `%s` runs, then `always`, and no other', async (command, name, move) => {
    const ran = await performed(planOf([command], { hooks: everyHook(2) }))
    expect(ran.begun).toEqual([1, 2 + NAMES.findIndex((each) => each === name), 6])
    expect(ran.end.move).toBe(move)
    const others = Object.values(ran.states).filter((state) => state.startsWith('skipped'))
    expect(others.length).toBe(3)
    expect(new Set(others).size).toBe(1)
    expect(others[0]).toMatch(/^skipped: the job (succeeded|failed|errored)$/)
  })

  test('of a step run before the step behind it', async () => {
    const hooks = hooksOf({ on_success: [runStep(2, ['say well'])], on_failure: [runStep(3, ['say never'])] })
    const steps = [runStep(1, ['say one'], { name: 'unit', hooks }), runStep(4, ['say two'])]
    const ran = await performed(planOf([], { steps }))
    expect(ran.begun).toEqual([1, 2, 4])
    expect(ran.states[3]).toBe('skipped: `unit` succeeded')
  })

  test('of a step find its variables', async () => {
    const hooks = hooksOf({ always: [runStep(2, ['env ITEM'])] })
    const ran = await performed(
      planOf([], { steps: [runStep(1, ['say x'], { env: { ITEM: 'pear' }, hooks })] }),
    )
    expect(ran.log(2)).toBe('pear\n')
  })

  test.each(['on_success', 'always'] as const)('a failing `%s` turns green into red', async (name) => {
    const hooks = hooksOf({ [name]: [runStep(2, ['fail 9'], { name: 'tidy' })] })
    const ofStep = await performed(
      planOf([], { steps: [runStep(1, ['say good'], { hooks }), runStep(3, ['say never'])] }),
    )
    expect(ofStep.states).toEqual({ 1: 'failed', 2: 'failed', 3: 'skipped: `run` failed' })
    expect(ofStep.end).toMatchObject({ move: 'fail', exitCode: 9 })
    const ofJob = await performed(planOf(['say good'], { hooks }))
    expect(ofJob.end).toMatchObject({ move: 'fail', exitCode: 9 })
  })

  test('no hook turns red into green, nor one red into another', async () => {
    const hooks = hooksOf({ on_failure: [runStep(2, ['say well'])], always: [runStep(3, ['fail 9'])] })
    const ran = await performed(planOf(['fail 3'], { hooks }))
    expect(ran.end).toMatchObject({ move: 'fail', exitCode: 3 })
  })

  test('of a step that may fail run as of one that failed', async () => {
    const hooks = hooksOf({ on_failure: [runStep(2, ['say sad'])] })
    const steps = [runStep(1, ['fail 3'], { allowFailure: true, hooks }), runStep(3, ['say on'])]
    const ran = await performed(planOf([], { steps }))
    expect(ran.states).toEqual({ 1: 'failed (allowed)', 2: 'succeeded', 3: 'succeeded' })
    expect(ran.end.move).toBe('succeed')
  })

  test('run after a cancelled run, and it stays cancelled', async () => {
    const hooks = hooksOf({
      on_cancel: [runStep(2, ['sleep 20', 'say tidied'])],
      always: [runStep(3, ['say always'])],
    })
    const ran = await performed(planOf(['say up', 'hang'], { hooks }), {
      hear: (work, entry) => entry.kind === 'log' && entry.step === 1 && work.stop(cancel),
    })
    expect(ran.states).toEqual({ 1: 'cancelled', 2: 'succeeded', 3: 'succeeded' })
    expect(ran.log(2)).toBe('tidied\n')
    expect(ran.end).toMatchObject({ move: 'cancel', error: null })
  })

  test('run after the time of the run was up', async () => {
    const hooks = hooksOf({ on_failure: [runStep(2, ['sleep 20', 'say rolled back'])] })
    const ran = await performed(planOf(['hang'], { hooks, timeoutMs: 100 }))
    expect(ran.log(2)).toBe('rolled back\n')
    expect(ran.end).toMatchObject({ move: 'fail', error: { code: 'timeout' } })
  })

  test('end at once when the run is stopped once more, and the others are not begun', async () => {
    const hooks = hooksOf({
      on_cancel: [runStep(2, ['say tidying', 'hang'])],
      always: [runStep(3, ['say never'])],
    })
    const ran = await performed(planOf(['say up', 'hang'], { hooks }), {
      hear: (work, entry) => {
        if (entry.kind === 'log' && entry.step === 1) work.stop(cancel)
        if (entry.kind === 'log' && entry.step === 2) work.stop(new Stop('runner_stopped', 'now'))
      },
    })
    expect(ran.states).toEqual({ 1: 'cancelled', 2: 'errored', 3: 'skipped: the runner was stopped' })
    expect(ran.end.move).toBe('cancel')
  })

  test('the same word said again, as after a redial, ends no hook', async () => {
    const hooks = hooksOf({ on_cancel: [runStep(2, ['say tidying', 'sleep 20', 'say tidied'])] })
    const ran = await performed(planOf(['say up', 'hang'], { hooks }), {
      hear: (work, entry) => entry.kind === 'log' && work.stop(new Stop('cancelled', 'a person said so')),
    })
    expect(ran.log(2)).toBe('tidying\ntidied\n')
  })

  test('of a member that was ended by another’s failure still run', async () => {
    const hooks = hooksOf({ on_cancel: [runStep(3, ['sleep 20', 'say tidied'])] })
    const members = [runStep(2, ['hang'], { hooks }), runStep(4, ['sleep 20', 'fail 3'])]
    const ran = await performed(planOf([], { steps: [groupStep(1, members)] }))
    expect(ran.states).toEqual({ 1: 'failed', 2: 'cancelled', 3: 'succeeded', 4: 'failed' })
  })

  test('that have begun are not ended by another member’s failure', async () => {
    const rollBack = hooksOf({ on_failure: [runStep(4, ['say begun', 'sleep 200', 'say rolled back'])] })
    const inner = groupStep(2, [runStep(3, ['fail 3'], { hooks: rollBack })])
    const members = [inner, runStep(5, ['sleep 60', 'fail 4'])]
    const ran = await performed(planOf([], { steps: [groupStep(1, members)] }))
    expect(ran.log(4)).toBe('begun\nrolled back\n')
    expect(ran.states).toEqual({ 1: 'failed', 2: 'failed', 3: 'failed', 4: 'succeeded', 5: 'failed' })
  })

  test('of a member end with the time of the group around it', async () => {
    const hooks = hooksOf({ on_failure: [runStep(3, ['hang'])] })
    const group = groupStep(1, [runStep(2, ['fail 3'], { hooks })], { timeoutMs: 100 })
    const ran = await performed(planOf([], { steps: [group] }))
    expect(ran.states).toEqual({ 1: 'failed', 2: 'failed', 3: 'failed' })
  })

  test('are told as left out where there is no place to run them', async () => {
    const engine = { ...scriptedEngine(), open: () => Promise.reject(new Error('no place')) }
    const ran = await performed(planOf(['say never'], { hooks: everyHook(2) }), { engine })
    expect(new Set(Object.values(ran.states))).toEqual(new Set(['skipped: the run could not be prepared']))
    expect(ran.end).toMatchObject({ move: 'break', error: { code: 'runner_failed' } })
  })

  test('run where the place is there and could not be filled', async () => {
    const freight = { bring: () => Promise.reject(new Error('no files')) }
    const ran = await performed(planOf(['say never'], { hooks: everyHook(2) }), { freight })
    expect(ran.begun).toEqual([4, 6])
    expect(ran.states[1]).toBe('skipped: the run could not be prepared')
  })
})

describe('the last step', () => {
  const taken: string[] = []
  const freight = {
    take: async (
      _work: unknown,
      _workspace: unknown,
      {
        ended,
        stateTouched,
        say,
      }: { ended: string; stateTouched: boolean; say: (text: string) => Promise<void> },
    ) => {
      await say('packed\n')
      taken.push(`${ended} ${stateTouched}`)
    },
  }

  test('is not begun where there is nothing to take', async () => {
    expect((await performed(planOf(['say hi']), { freight })).begun).toEqual([1])
  })

  test('takes files out after the last hook, of a failed run too', async () => {
    const hooks = hooksOf({ always: [runStep(2, ['say hook'])] })
    const ran = await performed(planOf(['fail 3'], { hooks, finish: 3 }), {
      freight: { ...freight, needsTake: () => true },
    })
    expect([ran.begun, ran.log(3), taken.at(-1)]).toEqual([[1, 2, 3], 'packed\n', 'failed false'])
    expect(ran.end).toMatchObject({ move: 'fail', exitCode: 3 })
  })

  test('is begun for state alone', async () => {
    const ran = await performed(planOf(['state']), { freight })
    expect([ran.begun, taken.at(-1)]).toEqual([[1, 2], 'succeeded true'])
  })

  test('that cannot take them breaks a run that was good', async () => {
    const broken = { needsTake: () => true, take: () => Promise.reject(new Error('no room')) }
    const ran = await performed(planOf(['say hi']), { freight: broken })
    expect([ran.states, ran.end.move]).toEqual([{ 1: 'succeeded', 2: 'errored' }, 'break'])
    expect((await performed(planOf(['fail 3']), { freight: broken })).end.move).toBe('fail')
  })
})
