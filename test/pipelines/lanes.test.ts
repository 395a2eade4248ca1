import fc from 'fast-check'
import { expect, test } from 'vitest'
import { globList } from '#pipelines/language/glob.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import {
  asksForPaths,
  commitRefusal,
  laneKindOf,
  laneOf,
  type PullFact,
  pullRefusal,
} from '#pipelines/plan/lanes.ts'

test.each([
  ['refs/heads/main', 'main', 'push'],
  ['refs/heads/release/1', 'release/1', 'push'],
  ['refs/tags/v1.2', 'tag/v1.2', 'tag'],
  ['refs/tags/pr/1', 'tag/pr/1', 'tag'],
  ['refs/pull/12/head', 'pr/12', 'pull_request'],
  ['refs/heads/pr/12', 'heads/pr/12', 'push'],
  ['refs/heads/tag/v1', 'heads/tag/v1', 'push'],
  ['refs/heads/heads/main', 'heads/heads/main', 'push'],
  ['refs/heads/heads/pr/12', 'heads/heads/pr/12', 'push'],
  ['refs/heads/pr', 'pr', 'push'],
  ['refs/heads/prune', 'prune', 'push'],
  ['refs/heads/refs/pull/1/head', 'refs/pull/1/head', 'push'],
])('%s belongs to lane %s, of kind %s', (ref, lane, kind) => {
  expect([laneOf(ref), laneKindOf(ref)]).toEqual([lane, kind])
})

test.each([
  'refs/notes/commits',
  'refs/pull/12/merge',
  'refs/pull/x/head',
  'refs/pull/12/head/x',
  'refs/x/pull/12/head',
])('%s belongs to no lane', (ref) => expect(laneOf(ref)).toBeNull())

test('no two refs share a lane', () => {
  const part = fc.constantFrom('pr', 'tag', 'heads', 'main', '1', 'refs', 'pull', 'head')
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  const ref = fc.oneof(
    name.map((branch) => `refs/heads/${branch}`),
    name.map((tag) => `refs/tags/${tag}`),
    fc.nat(3).map((number) => `refs/pull/${number}/head`),
  )
  fc.assert(
    fc.property(ref, ref, (one, other) => {
      expect(laneOf(one) === laneOf(other)).toBe(one === other)
    }),
  )
})

const pipelineOf = (triggers: string, more = '') =>
  parsePipeline(`${more}\ntriggers: ${triggers}\njobs: { test: { image: "a:1", run: x } }`).pipeline!
const SRC = { name: 'src', repository: '.', branch: null as string | null, paths: [] as string[] }
const refusalOf = (triggers: string, commit: object, resource = SRC) =>
  commitRefusal(
    { ref: 'refs/heads/main', message: 'Sell things', changed: ['src/a.ts', 'docs/a.md'], ...commit },
    pipelineOf(triggers).triggers,
    resource,
  )
const PUSH_PATHS =
  '{ push: { branches: main, paths: [src/**, "!src/*.md"] }, pull_request: { paths: ui/** } }'
const SKIP =
  '{ push: main, tag: v*, pull_request: main, skip: { paths: docs/**, message: ["[skip ci]", wip] } }'

test.each<[string, string, object, string | null]>([
  ['a path that is asked for', PUSH_PATHS, {}, null],
  [
    'no path that is asked for',
    PUSH_PATHS,
    { changed: ['docs/a.md'] },
    'paths filter: touches none of src/**, !src/*.md',
  ],
  [
    'only a path that is taken out',
    PUSH_PATHS,
    { changed: ['src/a.md'] },
    'paths filter: touches none of src/**, !src/*.md',
  ],
  ['a path with a line break in it', PUSH_PATHS, { changed: ['src/a\nb'] }, null],
  ['nothing', PUSH_PATHS, { changed: [] }, 'paths filter: touches none of src/**, !src/*.md'],
  ['nobody knows what', PUSH_PATHS, { changed: null }, null],
  [
    'on a pull request what only pushes ask for',
    PUSH_PATHS,
    { ref: 'refs/pull/1/head' },
    'paths filter: touches none of ui/**',
  ],
  ['on a tag nothing that is asked for', PUSH_PATHS, { ref: 'refs/tags/v1', changed: ['x'] }, null],
  ['more than what is skipped', SKIP, {}, null],
  [
    'only what is skipped',
    SKIP,
    { changed: ['docs/a.md', 'docs/b/c.md'] },
    'paths filter: touches only docs/**',
  ],
  ['nothing at all, which is not only what is skipped', SKIP, { changed: [] }, null],
  [
    'anything, and says that it is to be skipped',
    SKIP,
    { message: 'Fix it\n\n[skip ci]' },
    'its message says `[skip ci]`',
  ],
  ['anything, and says so where nobody asked', PUSH_PATHS, { message: '[skip ci]' }, null],
])('a commit that touches %s', (_, triggers, commit, words) => {
  expect(refusalOf(triggers, commit)).toBe(words)
})

test('a resource has paths of its own; filters of the repository of the file are not those of another', () => {
  const infra = {
    name: 'infra',
    repository: 'https://example.org/infra.git',
    branch: null,
    paths: ['prod/**'],
  }
  expect(refusalOf(SKIP, { message: 'wip', changed: ['prod/a'] }, infra)).toBeNull()
  expect(refusalOf(SKIP, {}, infra)).toBe('paths filter of infra: touches none of prod/**')
})

test('of a branch that is named only what its message says is asked, not the paths of lanes', () => {
  const infra = { ...SRC, name: 'infra', branch: 'infra' }
  expect(refusalOf(SKIP, { changed: ['docs/a'] }, infra)).toBeNull()
  expect(refusalOf(SKIP, { message: 'wip' }, infra)).toBe('its message says `wip`')
})

const PULL: PullFact = { base: 'main', draft: false, labels: [], fork: false }
test.each<[string, string, Partial<PullFact>, string | null]>([
  ['to a branch that is listened to', '{ pull_request: main }', {}, null],
  [
    'to another branch',
    '{ pull_request: main }',
    { base: 'dev' },
    '`triggers.pull_request` does not match `dev`: the pipeline listens to main',
  ],
  [
    'where only pushes count',
    '{ push: main }',
    {},
    '`triggers.pull_request` does not match `main`: the pipeline listens to none',
  ],
  ['that is a draft, where drafts count', '{ pull_request: main }', { draft: true }, null],
  [
    'that is a draft, where drafts do not count',
    '{ pull_request: { drafts: false } }',
    { draft: true },
    'is a draft: `triggers.pull_request.drafts` is false',
  ],
  [
    'without a label that is asked for',
    '{ pull_request: { labels: [e2e, slow] } }',
    { labels: ['bug'] },
    'has none of the labels e2e, slow',
  ],
  [
    'with a label that is asked for',
    '{ pull_request: { labels: [e2e, slow] } }',
    { labels: ['bug', 'slow'] },
    null,
  ],
  ['from a fork, about which somebody may have to be asked', '{ pull_request: main }', { fork: true }, null],
  [
    'from a fork, where forks are ignored',
    '{ pull_request: { forks: ignore } }',
    { fork: true },
    'comes from a fork: `triggers.pull_request.forks` says ignore',
  ],
])('a pull request %s', (_, triggers, pull, words) => {
  expect(pullRefusal({ ...PULL, ...pull }, pipelineOf(triggers).triggers)).toBe(words)
})

test.each([
  ['{ push: main }', '', false],
  ['{ push: { paths: a } }', '', true],
  ['{ pull_request: { paths: a } }', '', true],
  ['{ skip: { paths: a } }', '', true],
  ['{ push: main }', 'resources: { src: { git: ., paths: a } }', true],
])('triggers %s with "%s" depend on paths: %s', (triggers, more, asks) => {
  expect(asksForPaths(pipelineOf(triggers, more))).toBe(asks)
})

test.each([
  [['src/**'], 'src/a', true],
  [['src/**'], 'docs/a', false],
  [['src/**', '!src/gen/**'], 'src/gen/a', false],
  [['!src/gen/**', 'src/**'], 'src/gen/a', false],
  [['!docs/**'], 'src/a', true],
  [['!docs/**'], 'docs/a', false],
  [['main', '!dev'], 'feature', false],
  [[], 'anything', false],
  [['**'], 'with\nbreaks\r\u2028', true],
])('%j lets %j through: %s', (patterns, name, through) => expect(globList(patterns)(name)).toBe(through))
