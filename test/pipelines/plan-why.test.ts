import { describe, expect, test } from 'vitest'
import type { VersionId } from '#pipelines/ids.ts'
import { chooseByHand } from '#pipelines/plan/choose.ts'
import { goesWith, joinOrder, narrowed } from '#pipelines/plan/closure.ts'
import type { Facts } from '#pipelines/plan/facts.ts'
import { why } from '#pipelines/plan/why.ts'
import { changed, ending, facts, got, input, need, newestRun, took, v } from '../support/plan-facts.ts'

const src = (newest: number, given = {}) => input('src', { get: got, newest: v(newest), ...given })
const pin = (seq: number) => ({ pin: { version: v(seq), words: `src is pinned to v${seq} by Ann: audit` } })
const via = (...jobs: string[]) => ({ get: null, via: jobs })
const green = (run: number, seq: number) => ending(run, { src: v(seq) })
const { job } = facts()

describe('what a job waits for', () => {
  const arms = (given: Partial<Parameters<typeof need>[1]>): Partial<Facts> => ({
    inputs: [src(2, via('lint', 'test'))],
    needs: [need('lint', given), need('test', { endings: [green(6, 2)] })],
    taken: took({ src: 1 }),
  })
  test.each<{ it: string; given: Partial<Facts>; words: string[] }>([
    {
      it: 'is nothing once the newest is taken',
      given: { inputs: [src(2)], taken: took({ src: 2 }) },
      words: [],
    },
    {
      it: 'is a first version',
      given: { inputs: [src(0, { newest: null })] },
      words: ['waits for the first version of src'],
    },
    { it: 'is a job that never ran', given: arms({}), words: ['waits for lint on v2, which never ran'] },
    {
      it: 'is a job at work',
      given: arms({ newest: newestRun(7, 'running', { src: v(2) }) }),
      words: ['waits for lint on v2, which is running'],
    },
    {
      it: 'is a retry of what failed',
      given: arms({ newest: newestRun(7, 'failed', { src: v(2) }) }),
      words: ['lint on v2 failed: retry it, or push a commit that passes'],
    },
    {
      it: 'is a job that is paused',
      given: arms({ newest: newestRun(7, 'succeeded', { src: v(1) }), paused: 'paused by Ann: audit' }),
      words: ['waits for lint on v2; it is paused by Ann: audit'],
    },
    {
      it: 'is a pin',
      given: { inputs: [src(4, pin(3))], taken: took({ src: 3 }) },
      words: [pin(3).pin.words],
    },
    {
      it: 'is a person, first of all',
      given: { inputs: [src(2)], taken: took({ src: 2 }), paused: 'paused by Ann' },
      words: ['paused by Ann'],
    },
    {
      it: 'is everything upstream of a strict start',
      given: {
        inputs: [src(2)],
        taken: took({ src: 2 }),
        active: [{ job: 'lint', run: null, state: 'triggered' }],
        triggers: [{ ...changed(1, 'x'), gathered: true }],
      },
      words: ['waits for lint, which was triggered'],
    },
    {
      it: 'is agreement',
      given: {
        inputs: [src(2, via('a', 'b')), input('lib', { via: ['a', 'b'], newest: v(2, 100) })],
        needs: [
          need('a', {
            endings: [ending(1, { src: v(1), lib: v(2, 100) }), ending(2, { src: v(2), lib: v(1, 100) })],
          }),
          need('b', {
            endings: [ending(3, { src: v(1), lib: v(1, 100) }), ending(4, { src: v(2), lib: v(2, 100) })],
          }),
        ],
      },
      words: ['waits for one set of versions that a and b all passed'],
    },
  ])('$it', ({ given, words }) => expect(why(facts(given))).toEqual(words))
})

describe('a start by hand', () => {
  const build = [need('build', { endings: [green(9, 4), green(8, 3)] })]
  const by = (given: Partial<Facts>, wanted: [string, number][] = []) => {
    const due = chooseByHand(facts(given), new Map(wanted as [string, VersionId][]))
    return 'problem' in due ? due.problem : due.inputs.map(({ version }) => version.name).join()
  }
  test.each<{ it: string; told: string; found: string }>([
    {
      it: 'takes the newest, taken or not',
      told: by({ inputs: [src(4)], taken: took({ src: 4 }) }),
      found: 'v4',
    },
    {
      it: 'takes what was chosen',
      told: by({ inputs: [src(4, via('build'))], needs: build }, [['src', 3]]),
      found: 'v3',
    },
    { it: 'respects a pin', told: by({ inputs: [src(4, pin(3))] }), found: 'v3' },
    { it: 'outdoes a pin with a choice', told: by({ inputs: [src(4, pin(3))] }, [['src', 4]]), found: 'v4' },
    {
      it: 'says which version nobody passed',
      told: by({ inputs: [src(4, via('build'))], needs: build }, [['src', 2]]),
      found: 'build passed no such version of src',
    },
    {
      it: 'is left out where the job is',
      told: by({
        inputs: [src(4)],
        job: { ...job, when: ['push'] },
        lane: { name: 'pr/1', kind: 'pull_request' },
      }),
      found: '`job` leaves out pull requests (`when: push`)',
    },
    {
      it: 'is let through by `when: manual`, and asks no `if`',
      told: by({ inputs: [src(4)], job: { ...job, when: ['manual'], if: 'false' } }),
      found: 'v4',
    },
  ])('$it', ({ told: answer, found }) => expect(answer).toBe(found))
})

test('needs are looked up from what they share with what is known; loose ones last', () => {
  const edge = (name: string, carries: string[], versions: 'same' | 'any' = 'same') =>
    need(name, { carries, versions })
  const needs = [edge('free', ['x'], 'any'), edge('far', ['lib']), edge('near', ['src', 'lib'])]
  expect(joinOrder(needs, ['src'])).toEqual([
    { need: 'near', shared: ['src'] },
    { need: 'far', shared: ['lib'] },
    { need: 'free', shared: [] },
  ])
  const known = narrowed(new Map(), ['src', 'lib'], [green(1, 2), ending(2, { src: v(3), lib: v(1, 100) })])
  expect([...known.keys()]).toEqual(['src'])
  expect([2, 3, 4].map((seq) => goesWith(green(5, seq), known, ['src', 'lib']))).toEqual([true, true, false])
})

test('of what is known a need leaves the versions that it holds, too, and what it does not carry as it was', () => {
  const ids = (...seqs: number[]) => new Set(seqs.map((seq) => v(seq).id))
  const known = new Map([
    ['src', ids(2, 3)],
    ['lib', ids(9)],
  ])
  expect(narrowed(known, ['src'], [green(1, 3), green(2, 4)])).toEqual(
    new Map([
      ['src', ids(3)],
      ['lib', ids(9)],
    ]),
  )
})
