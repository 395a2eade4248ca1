import { describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Engine } from '../../runner/engine.ts'
import { Stop } from '../../runner/stop.ts'
import { performed, type Told } from '../runner/performed.ts'
import { groupStep, hooksOf, planOf, runStep } from '../runner/plans.ts'

type Ground = {
  readonly engine: () => Engine
  readonly image: string | null
  /** Another image with a shell; null where the engine uses none. */
  readonly other: string | null
}

/** The rules of whole runs, on an engine with real commands. */
export function describeWalk({ engine, image, other }: Ground): void {
  const play = (changes: Partial<Plan>, told: Told = {}) =>
    performed(planOf([], { image, finish: 99, ...changes }), { ...told, engine: engine() })

  describe('a whole run', () => {
    test('goes through its tree: tries, a group at once, hooks, values', async () => {
      const meet = (own: string, other: string) => [
        `: > ${own}; until [ -e ${other} ]; do sleep 0.05; done; echo met`,
      ]
      const retry = { max: 1, on: ['exit:7'], backoff: 'fixed' as const, delayMs: 0 }
      const ran = await play({
        outputs: ['hash'],
        env: { WHO: 'job' },
        steps: [
          runStep(1, ['if ! [ -e tried ]; then : > tried; exit 7; fi', 'echo "$WHO"'], {
            retry,
            env: { WHO: 'me' },
          }),
          groupStep(2, [runStep(3, meet('a', 'b')), runStep(4, meet('b', 'a'))]),
          runStep(5, ['exit 3'], { allowFailure: true }),
          runStep(6, ['cd /; echo "hash=abc" >> "$TAKT_OUTPUT"'], {
            hooks: hooksOf({ always: [runStep(7, ['echo tidy'])] }),
          }),
        ],
        hooks: hooksOf({
          on_success: [runStep(8, ['[ "$PWD" = "$TAKT_WORKSPACE" ] && ls'])],
          on_failure: [runStep(9, ['echo never'])],
        }),
      })
      expect(ran.end).toMatchObject({ move: 'succeed', error: null })
      expect(ran.states).toMatchObject({
        1: 'succeeded',
        2: 'succeeded',
        5: 'failed (allowed)',
        7: 'succeeded',
        8: 'succeeded',
      })
      expect([ran.log(1), ran.log(3), ran.log(4), ran.log(8)]).toEqual([
        'attempt 1 failed: exit code 7; again in 0 s\nme\n',
        'met\n',
        'met\n',
        'a\nb\ntried\n',
      ])
      expect(ran.entries).toContainEqual({ kind: 'outputs', values: { hash: 'abc' } })
    })

    test('that is cancelled runs its hooks in the same place, with nothing of the step alive', async () => {
      const steps = [runStep(1, [': > here; (while :; do sleep 0.1; : > tick; done) & echo up; sleep 300'])]
      const hooks = hooksOf({
        on_cancel: [runStep(2, ['rm -f tick; sleep 0.4; ls'])],
        always: [runStep(3, ['echo "$TAKT_STATE" | grep -c state'])],
      })
      const ran = await play(
        { steps, hooks },
        {
          hear: (work, entry) =>
            entry.kind === 'log' && entry.step === 1 && work.stop(new Stop('cancelled', 'enough')),
        },
      )
      expect(ran.states).toEqual({ 1: 'cancelled', 2: 'succeeded', 3: 'succeeded' })
      expect([ran.log(2), ran.log(3)]).toEqual(['here\n', '1\n'])
      expect(ran.end.move).toBe('cancel')
    })

    test('whose step takes too long goes on with its hooks, and then with the job’s', async () => {
      const steps = [
        runStep(1, ['sleep 300'], {
          timeoutMs: 200,
          hooks: hooksOf({ on_failure: [runStep(2, ['echo rollback'])] }),
        }),
      ]
      const ran = await play({ steps, hooks: hooksOf({ always: [runStep(3, ['echo over'])] }) })
      expect([ran.log(2), ran.log(3)]).toEqual(['rollback\n', 'over\n'])
      expect(ran.end).toMatchObject({ move: 'fail', error: { code: 'timeout' } })
    })

    test('whose commands say nothing for too long ends them', async () => {
      const ran = await play({ steps: [runStep(1, ['echo up', 'sleep 300'])], inactivityMs: 400 })
      expect(ran.end).toMatchObject({ move: 'fail', error: { code: 'inactive' } })
    })

    test('whose member fails ends the others, and their files stay', async () => {
      const steps = [
        groupStep(
          1,
          [
            runStep(2, [': > slow; sleep 300']),
            runStep(3, ['until [ -e slow ]; do sleep 0.05; done; exit 3']),
          ],
          {
            hooks: hooksOf({ always: [runStep(4, ['ls'])] }),
          },
        ),
      ]
      const ran = await play({ steps })
      expect(ran.states).toEqual({ 1: 'failed', 2: 'cancelled', 3: 'failed', 4: 'succeeded' })
      expect(ran.log(4)).toBe('slow\n')
      expect(ran.end).toMatchObject({ move: 'fail', exitCode: 3 })
    })

    test('whose shell is killed breaks, and its hooks find the files in another one', async () => {
      const steps = [runStep(1, [': > here; kill -9 $$; sleep 300'])]
      const ran = await play({ steps, hooks: hooksOf({ on_error: [runStep(2, ['ls'])] }) })
      expect(ran.states).toEqual({ 1: 'errored', 2: 'succeeded' })
      expect([ran.log(2), ran.end.error?.code]).toEqual(['here\n', 'shell_killed'])
    })

    if (other === null) return // such an engine knows no images
    test('whose step’s image cannot be had breaks, and tells of the pull', async () => {
      const steps = [runStep(1, ['true']), runStep(2, ['true'], { image: '127.0.0.1:1/nobody/nothing:1' })]
      const ran = await play({ steps, hooks: hooksOf({ on_error: [runStep(3, ['echo sad'])] }) })
      expect(ran.states).toEqual({ 1: 'succeeded', 2: 'errored', 3: 'succeeded' })
      expect(ran.end).toMatchObject({ move: 'break', error: { code: 'image_pull_failed' } })
      expect(ran.log(0)).toContain('Pulling image 127.0.0.1:1/nobody/nothing:1\n')
    })

    test('has a step in an image of its own, on the same files', async () => {
      const steps = [
        runStep(1, ['echo one > file; : > /only-here']),
        runStep(2, ['cat file; ls /only-here 2>/dev/null || echo apart'], { image: other }),
        runStep(3, ['ls /only-here']),
      ]
      const ran = await play({ steps })
      expect([ran.log(2), ran.log(3)]).toEqual(['one\napart\n', '/only-here\n'])
    })
  })
}
