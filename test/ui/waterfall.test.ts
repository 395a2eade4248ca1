import { expect, test } from 'vitest'
import { type ChainRun, waterfall } from '../../ui/lib/waterfall.ts'

const BEGIN = Date.parse('2026-11-22T08:00:00Z')
const minute = (count: number) => new Date(BEGIN + count * 60_000).toISOString()

type Times = { readonly made: number; readonly begun?: number; readonly over?: number }
let ids = 0
function run(job: string, { made, begun, over }: Times, given: Partial<ChainRun> = {}): ChainRun {
  return {
    ...{
      id: ++ids,
      job,
      number: 1,
      allowed: false,
      held: null,
      environment: null,
      matrix: null,
      batch: null,
    },
    ...{ state: over === undefined ? 'running' : 'succeeded', upstream: [], gates: [], outputs: [] },
    created_at: minute(made),
    started_at: begun === undefined ? null : minute(begun),
    ended_at: over === undefined ? null : minute(over),
    ...given,
  }
}
const gate = (opened: number, closed: number | null) => ({
  ...{ name: 'approve', opened_at: minute(opened) },
  closed_at: closed === null ? null : minute(closed),
})
const NOW = BEGIN + 60 * 60_000
const drawn = (runs: readonly ChainRun[]) =>
  waterfall(runs, NOW).bars.map(({ job, stretches, critical }) => [
    critical ? `${job}*` : job,
    stretches
      .map(({ doing, from, to }) => `${doing} ${(from - BEGIN) / 60_000}–${(to - BEGIN) / 60_000}`)
      .join(', '),
  ])

test('a run stands in the queue until it begins, and waits at gates before and between', () => {
  const production = run(
    'production',
    { made: 0, begun: 12, over: 20 },
    { gates: [gate(1, 10), gate(14, 18)] },
  )
  expect(drawn([production])).toEqual([
    ['production*', 'queued 0–1, gate 1–10, queued 10–12, running 12–14, gate 14–18, running 18–20'],
  ])
})

test('the critical path leads back from what ended last over what each waited for longest', () => {
  const [lint, build] = [
    run('lint', { made: 0, begun: 0, over: 3 }),
    run('build', { made: 0, begun: 1, over: 5 }),
  ]
  const image = run('image', { made: 5, begun: 5, over: 7 }, { upstream: [lint.id, build.id] })
  const docs = run('docs', { made: 3, begun: 3, over: 4 }, { upstream: [lint.id] })
  expect(drawn([lint, build, image, docs])).toEqual([
    ['lint', 'running 0–3'],
    ['build*', 'queued 0–1, running 1–5'],
    ['docs', 'running 3–4'],
    ['image*', 'running 5–7'],
  ])
})

test('what most of the time went by with is said in words', () => {
  const build = run('build', { made: 0, begun: 0, over: 5 })
  const given = { upstream: [build.id], gates: [gate(5, 23)] }
  const production = run('production', { made: 5, begun: 23, over: 25 }, given)
  expect(waterfall([build, production], NOW).words).toBe(
    'build → production: of 25 m 00 s, 18 m 00 s waiting at the gate of production and 5 m 00 s running build.',
  )
})

test('time between two runs is told as such', () => {
  const build = run('build', { made: 0, begun: 0, over: 1 })
  const paused = run('ship', { made: 9, begun: 9, over: 10 }, { upstream: [build.id] })
  expect(waterfall([build, paused], NOW).words).toBe(
    'build → ship: of 10 m 00 s, 8 m 00 s until ship was started after build.',
  )
})

test('what is under way reaches up to now', () => {
  const build = run('build', { made: 0, begun: 50 })
  const { words, to, isOver } = waterfall([build], NOW)
  expect([words, to, isOver]).toEqual([
    'build: of 1 h 00 m so far, 50 m 00 s in the queue before build and 10 m 00 s running build.',
    ...[NOW, false],
  ])
  const waits = run('ship', { made: 55 }, { state: 'waiting', gates: [gate(56, null)] })
  expect(drawn([waits])).toEqual([['ship*', 'queued 55–56, gate 56–60']])
})

test('the legs of a matrix are one bar, from the first to the last of them', () => {
  const first = run('types', { made: 0, begun: 1, over: 3 }, { matrix: { node: '22' } })
  const batch = { batch: first.id }
  const other = run(
    'types',
    { made: 0, begun: 4, over: 6 },
    { ...batch, matrix: { node: '24' }, state: 'failed' },
  )
  // What needs the matrix is noted with one of its legs.
  const image = run('image', { made: 6, begun: 6, over: 7 }, { upstream: [first.id] })
  expect(drawn([{ ...first, ...batch }, other, image])).toEqual([
    ['types*', 'queued 0–1, running 1–3, queued 3–4, running 4–6'],
    ['image*', 'running 6–7'],
  ])
})

test('of several tries of a job the newest counts, and a path does not lead over what ended later', () => {
  const build = run('build', { made: 0, begun: 0, over: 2 })
  const unit = run('unit', { made: 2, begun: 2, over: 30 }, { upstream: [build.id] })
  const again = run('build', { made: 8, begun: 8, over: 10 })
  expect(drawn([build, unit, again])).toEqual([
    ['unit*', 'running 2–30'],
    ['build', 'running 8–10'],
  ])
})

test('no run, no bars', () => {
  expect(waterfall([], NOW)).toMatchObject({ bars: [], words: '', from: NOW, to: NOW })
})
