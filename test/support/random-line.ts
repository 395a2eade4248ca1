import fc from 'fast-check'
import { normalise } from '#pipelines/language/normal/normalise.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { PipelineFile } from '#pipelines/language/schema.ts'

const sometimes = (weight: number) => fc.integer({ min: 0, max: 99 }).map((n) => n < weight)
const START = fc.option(fc.constantFrom('settled', 'strict', 'chrono', 'immediate'), {
  freq: 2,
  nil: undefined,
})
const ON = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant(['failure']) },
  { weight: 1, arbitrary: fc.constant(['finish']) },
  { weight: 1, arbitrary: fc.constant(['success', 'failure']) },
)

const RESOURCES = {
  src: { git: '.' },
  lib: { git: 'https://git.acme.io/lib.git' },
  bundle: { files: {} },
  other: { files: {} },
  tick: { time: '0 3 * * *' },
}
const NAMES = Object.keys(RESOURCES) as (keyof typeof RESOURCES)[]

const getOf = fc.record({
  trigger: sometimes(85).map(String),
  version: fc.oneof(
    { weight: 20, arbitrary: fc.constant('latest') },
    { weight: 4, arbitrary: fc.constant('every') },
    { weight: 1, arbitrary: fc.constant('v2') },
  ),
  start: START,
})
const needOf = fc.record({
  trigger: sometimes(80).map(String),
  on: ON,
  versions: sometimes(20).map((any) => (any ? 'any' : 'same')),
  start: START,
})

const jobOf = fc.record({
  gets: fc.array(fc.tuple(sometimes(40), getOf), { minLength: 3, maxLength: 3 }),
  needs: fc.array(fc.tuple(sometimes(45), needOf), { minLength: 5, maxLength: 5 }),
  puts: fc.array(sometimes(35), { minLength: 3, maxLength: 3 }),
  start: START,
  when: fc.oneof(
    { weight: 20, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('push', 'pull_request', 'schedule') },
  ),
  isIf: sometimes(7),
  paths: fc.oneof(
    { weight: 20, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(['docs/**'], ['docs/**', '!docs/a']) },
  ),
})

const resources: fc.Arbitrary<(keyof typeof RESOURCES)[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom<(keyof typeof RESOURCES)[]>(['src'], ['lib', 'src'], ['src', 'bundle']),
  },
  { weight: 1, arbitrary: fc.constant<(keyof typeof RESOURCES)[]>(['bundle', 'lib', 'src']) },
  { weight: 2, arbitrary: fc.shuffledSubarray([...NAMES], { minLength: 1, maxLength: 3 }) },
)

/** Random pipelines of up to six jobs and three resources; also such as make little sense. */
export const randomLines: fc.Arbitrary<Pipeline> = fc
  .record({ names: resources, jobs: fc.array(jobOf, { minLength: 1, maxLength: 6 }) })
  .map(({ names, jobs }) => normalise(PipelineFile.parse(treeOf(names, jobs))).pipeline)

/** The same line with edges that all start their jobs, settled, and no filters. */
export const plainly = (pipeline: Pipeline): Pipeline => ({
  ...pipeline,
  jobs: pipeline.jobs.map((job) => ({
    ...job,
    gets: job.gets.map((get) => ({ ...get, trigger: true, version: 'latest', start: null })),
    needs: job.needs.map((need) => ({ ...need, trigger: true, start: null })),
    start: 'settled',
    when: null,
    if: null,
    paths: [],
  })),
})

type Drawn = typeof jobOf extends fc.Arbitrary<infer Job> ? Job : never

/** As a file is read: every scalar is a text. */
function treeOf(names: readonly (keyof typeof RESOURCES)[], drawn: readonly Drawn[]) {
  const jobs = drawn.map((job, at) => {
    const puts = names.filter((name, index) => 'files' in RESOURCES[name] && job.puts[index])
    const gets = names.filter((name, index) => job.gets[index]![0] && !puts.includes(name))
    const needs = job.needs
      .flatMap(([is, need], index) => (is && index < at ? [[`j${index}`, need]] : []))
      .slice(0, 3)
    const asksSrc = job.isIf && gets.includes('src')
    return [
      `j${at}`,
      {
        ...(gets.length > 0
          ? { get: Object.fromEntries(gets.map((name) => [name, job.gets[names.indexOf(name)]![1]])) }
          : {}),
        ...(needs.length > 0 ? { needs: Object.fromEntries(needs) } : {}),
        start: job.start,
        when: job.when,
        if: asksSrc ? '$(src.branch) == "main"' : undefined,
        paths: job.paths,
        run: 'make',
        ...(puts.length > 0 ? { put: Object.fromEntries(puts.map((name) => [name, {}])) } : {}),
      },
    ]
  })
  const declared = Object.fromEntries(names.map((name) => [name, RESOURCES[name]]))
  return JSON.parse(JSON.stringify({ resources: declared, jobs: Object.fromEntries(jobs) }))
}
