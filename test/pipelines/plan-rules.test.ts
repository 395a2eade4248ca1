import { describe, expect, test } from 'vitest'
import type { VersionId } from '#pipelines/ids.ts'
import { decide } from '#pipelines/plan/decide.ts'
import type { Facts } from '#pipelines/plan/facts.ts'
import { changed, ended, ending, facts, got, input, need, pushed, took, v } from '../support/plan-facts.ts'

const src = (newest: number, given = {}) => input('src', { get: got, newest: v(newest), ...given })
const pin = (seq: number) => ({ pin: { version: v(seq), words: `src is pinned to v${seq} by Ann: audit` } })
const via = (...jobs: string[]) => ({ get: null, via: jobs })
const green = (run: number, seq: number) => ending(run, { src: v(seq) })
const { job } = facts()

function told(given: Partial<Facts>) {
  const { runs, fates } = decide(facts(given))
  const sets = runs.map(({ inputs, upstreams, advances, skip }) => {
    const set = inputs.map(({ resource, version }) => `${resource}:${version.seq}`).join(' ')
    const through = upstreams.map(({ run }) => ` #${run}`).join('')
    return `${advances ? 'run' : 'beside'} ${set}${through}${skip ? ` (${skip})` : ''}`
  })
  return [...sets, ...fates.map(({ fate, reason }) => `${fate}: ${reason}`)]
}

type Rule = { readonly it: string; readonly given: Partial<Facts>; readonly told: readonly string[] }
const rules = (table: readonly Rule[]) =>
  test.each(table)('$it', ({ given, told: expected }) => expect(told(given)).toEqual(expected))

describe('a pin', () => {
  rules([
    {
      it: 'keeps every other version away',
      given: { inputs: [src(4, pin(3))], triggers: [pushed(1, 'src', v(4))] },
      told: ['no-run: src is pinned to v3 by Ann: audit'],
    },
    {
      it: 'that named a version beforehand lets it through when it comes, old as it may be',
      given: { inputs: [src(4, pin(3))], taken: took({ src: 4 }), triggers: [pushed(1, 'src', v(3))] },
      told: ['run src:3'],
    },
    {
      it: 'never makes a set look old',
      given: {
        inputs: [src(4, pin(3)), input('lib', { get: got, newest: v(2, 100) })],
        taken: took({ src: 4, lib: 1 }),
        triggers: [pushed(1, 'lib', v(2, 100))],
      },
      told: ['run src:3 lib:2'],
    },
    {
      it: 'keeps endings away that hold another version',
      given: {
        inputs: [src(4, { ...via('build'), ...pin(3) })],
        needs: [need('build', { endings: [green(9, 4), green(8, 3)] })],
        triggers: [ended(1, 'build', green(9, 4)), ended(2, 'build', green(8, 3))],
      },
      told: ['run src:3 #8', 'no-run: src is pinned to v3 by Ann: audit'],
    },
    {
      it: 'that names nothing lets nothing through',
      given: {
        inputs: [src(4, { pin: { version: null, words: 'src is pinned to v9' } })],
        triggers: [changed(1, 'Ann pinned src')],
      },
      told: ['no-run: src is pinned to v9, and there is no such version'],
    },
  ])
})

describe('version: every', () => {
  const every = { get: { ...got, every: true } }
  rules([
    {
      it: 'runs an older version that was never used, beside what was taken',
      given: { inputs: [src(4, every)], taken: took({ src: 4 }), triggers: [pushed(1, 'src', v(3))] },
      told: ['beside src:3'],
    },
    {
      it: 'runs none twice',
      given: {
        inputs: [src(4, every)],
        taken: took({ src: 4 }),
        used: [3 as VersionId],
        triggers: [pushed(1, 'src', v(3))],
      },
      told: ['no-run: job has gone on with run 90'],
    },
  ])
})

describe('versions: any', () => {
  const loose = (...endings: ReturnType<typeof green>[]) => need('build', { versions: 'any', endings })
  rules([
    {
      it: 'goes with whatever the other inputs are',
      given: { inputs: [src(5)], needs: [loose(green(7, 3))], triggers: [pushed(1, 'src', v(5))] },
      told: ['run src:5 #7'],
    },
    {
      it: 'takes a new run with the same versions for something new',
      given: {
        inputs: [src(5)],
        needs: [loose(green(8, 5), green(7, 5))],
        taken: took({ src: 5 }, { build: 7 }),
        triggers: [ended(1, 'build', green(8, 5))],
      },
      told: ['run src:5 #8'],
    },
    {
      it: 'does not take a late success of something old for new',
      given: {
        inputs: [src(5)],
        needs: [loose(green(8, 4), green(7, 5))],
        taken: took({ src: 5 }, { build: 7 }),
        triggers: [ended(1, 'build', green(8, 4))],
      },
      told: ['no-run: job goes on with a newer run of build'],
    },
    {
      it: 'takes a newer version that ended late, though its run is older',
      given: {
        inputs: [src(5)],
        needs: [loose(green(7, 5), green(8, 4))],
        taken: took({ src: 5 }, { build: 8 }),
        triggers: [ended(1, 'build', green(7, 5))],
      },
      told: ['run src:5 #7'],
    },
  ])
})

describe('a filter', () => {
  const strict = { ...got, start: 'strict' } as const
  const details = { 1: { fields: { branch: 'main' }, changed: ['docs/a.md'] } }
  const given = { inputs: [src(1, { kind: 'git' })], details, triggers: [pushed(1, 'src', v(1))] }
  rules([
    {
      it: 'of lanes passes the job through',
      given: { ...given, job: { ...job, when: ['push'] }, lane: { name: 'pr/1', kind: 'pull_request' } },
      told: ['run src:1 (`job` leaves out pull requests (`when: push`))'],
    },
    {
      it: 'of schedules knows a tick',
      given: { ...given, inputs: [src(1, { kind: 'time' })], job: { ...job, when: ['push'] } },
      told: ['run src:1 (`job` leaves out scheduled starts (`when: push`))'],
    },
    {
      it: 'lets through what one of several triggers came by',
      given: {
        inputs: [
          src(1, { kind: 'git', get: strict }),
          input('tick', { get: strict, kind: 'time', newest: v(1, 100) }),
        ],
        job: { ...job, start: 'strict', when: ['push'] },
        triggers: [pushed(1, 'src', v(1)), pushed(2, 'tick', v(1, 100))],
      },
      told: ['run src:1 tick:1'],
    },
    {
      it: 'by expression asks the version',
      given: { ...given, job: { ...job, if: '$(src.branch) == "next"' } },
      told: ['run src:1 (`if: $(src.branch) == "next"` does not hold)'],
    },
    {
      it: 'without an answer starts nothing',
      given: { ...given, job: { ...job, if: '$(src.branch)' } },
      told: [
        'no-run: `if: $(src.branch)` has no answer: `main` is neither true nor false; compare it with == or !=',
      ],
    },
    {
      it: 'by paths asks what changed',
      given: { ...given, job: { ...job, paths: ['app/**'] } },
      told: ['run src:1 (nothing in `app/**` changed)'],
    },
    {
      it: 'by paths lets through what fits',
      given: { ...given, job: { ...job, paths: ['docs/**'] } },
      told: ['run src:1'],
    },
    {
      it: 'by paths lets through what nobody knows',
      given: { ...given, details: {}, job: { ...job, paths: ['app/**'] } },
      told: ['run src:1'],
    },
  ])
})

describe('an ending that holds no version of a resource', () => {
  const lib = (seq: number) => v(seq, 100)
  rules([
    {
      it: 'goes with a newer one than those that hold one',
      given: {
        inputs: [src(5, via('build', 'lint'))],
        needs: [
          need('build', { endings: [green(5, 5), green(3, 3), green(1, 1)] }),
          need('lint', { endings: [ending(7, {}), green(6, 1)] }),
        ],
        triggers: [changed(1, 'look again')],
      },
      told: ['run src:5 #5 #7'],
    },
    {
      it: 'makes a set no older than what was taken',
      given: {
        inputs: [src(3, via('build')), input('lib', { ...via('build'), newest: lib(9) })],
        needs: [
          need('build', { endings: [ending(9, { lib: lib(2) }), ending(8, { src: v(1), lib: lib(9) })] }),
        ],
        taken: took({ src: 3, lib: 1 }),
        triggers: [changed(1, 'look again')],
      },
      told: ['run src:3 lib:2 #9'],
    },
  ])
})
