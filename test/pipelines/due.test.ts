import { expect, test } from 'vitest'
import { due } from '#pipelines/plan/due.ts'
import type { GreenFact, InputFact, NeedFact, Snapshot, VersionFact } from '#pipelines/plan/snapshot.ts'
import type { RunId, VersionId } from '#pipelines/ids.ts'
import type { RunState } from '#pipelines/states.ts'

/** Version `n` of a resource: its seq is `n`, its name `v<n>`. Versions of the second resource have ids from 100. */
const v = (seq: number, base = 0): VersionFact => ({ id: (base + seq) as VersionId, seq, name: `v${seq}` })
const src = (newest: number[], via: string[] = [], trigger = via.length === 0): InputFact => ({
  resource: 'src',
  trigger,
  via,
  versions: newest.map((seq) => v(seq)),
})
const infra = (newest: number[], via: string[] = [], trigger = via.length === 0): InputFact => ({
  resource: 'infra',
  trigger,
  via,
  versions: newest.map((seq) => v(seq, 100)),
})
const green = (run: number, versions: Record<string, VersionFact>): GreenFact => ({
  run: run as RunId,
  versions,
})
const need = (job: string, greens: GreenFact[], newest?: [number, RunState], trigger = true): NeedFact => ({
  job,
  trigger,
  greens,
  newest: newest ? { versions: { src: v(newest[0]) }, state: newest[1] } : null,
})
const world = (given: Partial<Snapshot>): Snapshot => ({
  job: 'job',
  inputs: [],
  needs: [],
  taken: null,
  ...given,
})

const decide = (given: Partial<Snapshot>) => {
  const { due: runs, waiting } = due(world(given))
  const sets = runs.map((run) =>
    run.inputs.map(({ resource, version }) => `${resource}:${version.seq}`).join(' '),
  )
  return { sets, waiting }
}

test.each([
  {
    it: 'a new version of a watched resource is due',
    given: { inputs: [src([1])] },
    sets: ['src:1'],
    waiting: null,
  },
  {
    it: 'every version newer than what was taken is due, oldest first',
    given: { inputs: [src([4, 3, 2])], taken: { src: 2 } },
    sets: ['src:3', 'src:4'],
    waiting: null,
  },
  { it: 'nothing is due twice', given: { inputs: [src([2])], taken: { src: 2 } }, sets: [], waiting: null },
  {
    it: 'a resource without a version is waited for',
    given: { inputs: [src([])] },
    sets: [],
    waiting: 'waits for the first version of src',
  },
  {
    it: 'a resource that does not trigger starts nothing',
    given: { inputs: [src([1], [], false)] },
    sets: [],
    waiting: null,
  },
  {
    it: 'a trigger takes the newest version of what does not trigger',
    given: { inputs: [src([2, 1]), infra([7, 6], [], false)], taken: { src: 1, infra: 6 } },
    sets: ['src:2 infra:7'],
    waiting: null,
  },
  {
    it: 'a needed job must have turned the version green',
    given: { inputs: [src([2], ['build'])], needs: [need('build', [], [2, 'running'])] },
    sets: [],
    waiting: 'waits for build on v2, which is running',
  },
  {
    it: 'a version that the needed job turned green is due',
    given: { inputs: [src([1], ['build'])], needs: [need('build', [green(10, { src: v(1) })])] },
    sets: ['src:1'],
    waiting: null,
  },
  {
    it: 'fan-in: all arms must have turned the same version green',
    given: {
      inputs: [src([3], ['lint', 'test'])],
      needs: [
        need('lint', [green(1, { src: v(2) }), green(2, { src: v(1) })]),
        need('test', [green(3, { src: v(3) }), green(4, { src: v(1) })], [3, 'succeeded']),
      ],
    },
    sets: ['src:1'],
    waiting: 'waits for lint on v3',
  },
  {
    it: 'fan-in joins the diamond once per commit',
    given: {
      inputs: [src([2, 1], ['lint', 'test'])],
      needs: [
        need('lint', [green(5, { src: v(2) }), green(1, { src: v(1) })]),
        need('test', [green(6, { src: v(2) }), green(2, { src: v(1) })]),
      ],
      taken: { src: 1 },
    },
    sets: ['src:2'],
    waiting: null,
  },
  {
    it: 'a late success of an old version does not move the lane backwards',
    given: {
      inputs: [src([3], ['build'])],
      needs: [need('build', [green(9, { src: v(3) }), green(8, { src: v(2) })])],
      taken: { src: 3 },
    },
    sets: [],
    waiting: null,
  },
  {
    it: 'a failed need is named, with what to do',
    given: {
      inputs: [src([2], ['test'])],
      needs: [need('test', [green(1, { src: v(1) })], [2, 'failed'])],
      taken: { src: 1 },
    },
    sets: [],
    waiting: 'test on v2 failed: retry it, or push a commit that passes',
  },
  {
    it: 'a cancelled need is named, too',
    given: { inputs: [src([2], ['test'])], needs: [need('test', [], [2, 'cancelled'])], taken: { src: 1 } },
    sets: [],
    waiting: 'test on v2 was cancelled: retry it, or push a commit that passes',
  },
  {
    it: 'a need that does not trigger starts nothing, though its success counts',
    given: {
      inputs: [src([1], ['build'], false)],
      needs: [need('build', [green(1, { src: v(1) })], undefined, false)],
    },
    sets: [],
    waiting: null,
  },
  {
    it: 'arms that hold different resources join freely',
    given: {
      inputs: [src([1], ['a']), infra([1], ['b'])],
      needs: [need('a', [green(1, { src: v(1) })]), need('b', [green(2, { infra: v(1, 100) })])],
    },
    sets: ['src:1 infra:1'],
    waiting: null,
  },
  {
    it: 'versions that never passed together are never put together',
    given: {
      inputs: [src([2], ['a', 'b']), infra([2], ['a', 'b'])],
      needs: [
        need('a', [green(1, { src: v(1), infra: v(2, 100) }), green(2, { src: v(2), infra: v(1, 100) })]),
        need('b', [green(3, { src: v(1), infra: v(1, 100) }), green(4, { src: v(2), infra: v(2, 100) })]),
      ],
    },
    sets: [],
    waiting: 'waits for one set of versions that a and b all passed',
  },
  {
    it: 'a resource that was added since counts from its first version on',
    given: { inputs: [infra([1]), src([5, 4])], taken: { src: 4 } },
    sets: ['infra:1 src:4', 'infra:1 src:5'],
    waiting: null,
  },
  {
    it: 'resources in another order are the same resources',
    given: { inputs: [infra([2]), src([5])], taken: { src: 4, infra: 2 } },
    sets: ['infra:2 src:5'],
    waiting: null,
  },
])('$it', ({ given, sets, waiting }) => {
  const decision = decide(given as Partial<Snapshot>)
  expect(decision.sets).toEqual(sets)
  if (!sets.length || waiting) expect(decision.waiting).toBe(waiting)
})

test('each input names the runs that vouched for it, and the reason says what was new', () => {
  const { due: runs } = due(
    world({
      inputs: [src([1], ['lint', 'test'])],
      needs: [need('lint', [green(5, { src: v(1) })]), need('test', [green(6, { src: v(1) })])],
    }),
  )
  expect(runs).toMatchObject([{ reason: 'lint and test passed src v1', inputs: [{ via: [5, 6] }] }])
})

test('needs that share nothing do not multiply: each new fact is one set', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const versions = (base: number) => Array.from({ length: 50 }, (_, index) => v(50 - index, base))
  const inputs = names.map((name, at): InputFact => ({
    resource: name,
    trigger: false,
    via: [`job-${name}`],
    versions: versions(at * 100),
  }))
  const needs = names.map((name, at) =>
    need(
      `job-${name}`,
      versions(at * 100).map((version, index) => green(at * 100 + index + 1, { [name]: version })),
    ),
  )
  const { due: runs } = due(world({ inputs, needs }))
  expect(runs.length).toBeLessThanOrEqual(300)
  expect(runs.at(-1)?.inputs.map((input) => input.version.seq)).toEqual([50, 50, 50, 50, 50, 50])
})

test('needs that share a sticky version are joined within bounds', () => {
  const sticky = v(1, 9_000)
  const names = ['a', 'b', 'c', 'd', 'e']
  const versions = (base: number) => Array.from({ length: 50 }, (_, index) => v(50 - index, base))
  const inputs: InputFact[] = [
    ...names.map((name, at): InputFact => ({
      resource: name,
      trigger: false,
      via: [`job-${name}`],
      versions: versions(at * 100),
    })),
    { resource: 'infra', trigger: false, via: names.map((name) => `job-${name}`), versions: [sticky] },
  ]
  const needs = names.map((name, at) =>
    need(
      `job-${name}`,
      versions(at * 100).map((version, index) =>
        green(at * 100 + index + 1, { [name]: version, infra: sticky }),
      ),
    ),
  )
  const { due: runs } = due(world({ inputs, needs }))
  expect(runs.at(-1)?.inputs.map((input) => input.version.seq)).toEqual([50, 50, 50, 50, 50, 1])
})
