import { describe, expect, test } from 'vitest'
import { decide } from '#pipelines/plan/decide.ts'
import type { Facts } from '#pipelines/plan/facts.ts'
import {
  changed,
  ended,
  ending,
  facts,
  got,
  input,
  need,
  newestRun,
  pushed,
  took,
  v,
} from '../support/plan-facts.ts'

/** What a decision comes to, short enough for a table. */
function told(given: Partial<Facts>) {
  const { runs, fates } = decide(facts(given))
  return [
    ...runs.map(({ inputs, reason, advances, skip }) => {
      const set = inputs.map(({ resource, version }) => `${resource}:${version.seq}`).join(' ')
      return `${advances ? 'run' : 'beside'} ${set} (${skip ?? reason})`
    }),
    ...fates.map(({ fate, reason }) => `${fate} (${reason})`),
  ]
}

const src = (newest: number, given = {}) => input('src', { get: got, newest: v(newest), ...given })
const infra = (newest: number, given = {}) => input('infra', { get: got, newest: v(newest, 100), ...given })
const quiet = { get: { ...got, trigger: false } }
const via = (...jobs: string[]) => ({ get: null, via: jobs })
const green = (run: number, seq: number) => ending(run, { src: v(seq) })

type Rule = { readonly it: string; readonly given: Partial<Facts>; readonly told: readonly string[] }
const rules = (table: readonly Rule[]) =>
  test.each(table)('$it', ({ given, told: expected }) => expect(told(given)).toEqual(expected))

describe('a settled start', () => {
  rules([
    {
      it: 'comes of a new version',
      given: { inputs: [src(1)], triggers: [pushed(1, 'src', v(1))] },
      told: ['run src:1 (new version of src v1)'],
    },
    {
      it: 'comes of each version, oldest first',
      given: {
        inputs: [src(4)],
        taken: took({ src: 2 }),
        triggers: [pushed(8, 'src', v(4)), pushed(7, 'src', v(3))],
      },
      told: ['run src:3 (new version of src v3)', 'run src:4 (new version of src v4)'],
    },
    {
      it: 'comes of nothing twice',
      given: { inputs: [src(2)], taken: took({ src: 2 }), triggers: [pushed(1, 'src', v(2))] },
      told: ['no-run (job has taken these versions already: run 90)'],
    },
    {
      it: 'waits for a first version',
      given: { inputs: [src(1), input('lib', { get: got })], triggers: [pushed(1, 'src', v(1))] },
      told: ['no-run (waits for the first version of lib)'],
    },
    {
      it: 'takes the newest of what does not trigger',
      given: {
        inputs: [src(2), infra(7, quiet)],
        taken: took({ src: 1, infra: 6 }),
        triggers: [pushed(1, 'src', v(2))],
      },
      told: ['run src:2 infra:7 (new version of src v2)'],
    },
    {
      it: 'does not come of a repeated success with something new that triggers nothing',
      given: {
        inputs: [infra(7, quiet), src(2, via('build'))],
        needs: [need('build', { endings: [green(5, 2)] })],
        taken: took({ src: 2, infra: 6 }),
        triggers: [ended(1, 'build', green(5, 2))],
      },
      told: ['no-run (nothing that starts job is newer than in run 90)'],
    },
    {
      it: 'joins a diamond once per commit, whatever else is green',
      given: {
        inputs: [src(2, via('lint', 'test'))],
        needs: [
          need('lint', { endings: [green(5, 2), green(1, 1)] }),
          need('test', { endings: [green(6, 2), green(2, 1)] }),
        ],
        taken: took({ src: 1 }),
        triggers: [ended(1, 'lint', green(5, 2)), ended(2, 'test', green(6, 2))],
      },
      told: [
        'run src:2 (lint and test passed src v2)',
        'no-run (job has taken these versions already: src v2)',
      ],
    },
    {
      it: 'waits for the arm that is not green yet, on the very commit',
      given: {
        inputs: [src(2, via('lint', 'test'))],
        needs: [
          need('lint', { newest: newestRun(7, 'running', { src: v(2) }) }),
          need('test', { endings: [green(6, 2)] }),
        ],
        triggers: [ended(2, 'test', green(6, 2))],
      },
      told: ['no-run (waits for lint on v2, which is running)'],
    },
    {
      it: 'names a failed arm, with what to do',
      given: {
        inputs: [src(2, via('lint', 'test'))],
        needs: [
          need('lint', { newest: newestRun(7, 'failed', { src: v(2) }) }),
          need('test', { endings: [green(6, 2)] }),
        ],
        triggers: [ended(2, 'test', green(6, 2))],
      },
      told: ['no-run (lint on v2 failed: retry it, or push a commit that passes)'],
    },
    {
      it: 'never comes of a late success of an old commit',
      given: {
        inputs: [src(3, via('build'))],
        needs: [need('build', { endings: [green(9, 2), green(8, 3)] })],
        taken: took({ src: 3 }),
        triggers: [ended(1, 'build', green(9, 2))],
      },
      told: ['no-run (job has gone on with run 90)'],
    },
    {
      it: 'looks again when something changed',
      given: { inputs: [src(3)], taken: took({ src: 2 }), triggers: [changed(1, 'Ann unpinned src')] },
      told: ['run src:3 (Ann unpinned src)'],
    },
    {
      it: 'comes of nothing while the job is paused',
      given: { inputs: [src(1)], paused: 'paused by Ann: audit', triggers: [pushed(1, 'src', v(1))] },
      told: ['no-run (paused by Ann: audit)'],
    },
  ])
})
