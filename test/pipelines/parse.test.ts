import { expect, test } from 'vitest'
import { printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { BOUNDS, parsePipeline } from '#pipelines/language/parse.ts'

const says = (text: string) => parsePipeline(text).diagnostics.map((d) => printDiagnostic('.takt.yml', d))
const job = (body: string) => `jobs:\n  test:\n    image: node:22\n    run: npm test\n${body}`

test('the smallest file gets every default', () => {
  const { pipeline, diagnostics } = parsePipeline(
    'jobs: { test: { image: "node:22", run: [npm ci, npm test] } }',
  )
  expect(diagnostics).toEqual([])
  expect(pipeline).toMatchObject({
    resources: [{ name: 'src', kind: 'git', repository: '.', branch: null, depth: 1 }],
    triggers: { push: ['**'], tag: [], pullRequest: { branches: ['**'], forks: 'approve' } },
    jobs: [
      {
        name: 'test',
        gets: [{ resource: 'src', trigger: true, version: 'latest', start: null }],
        needs: [],
        start: 'settled',
        when: null,
        image: 'node:22',
        env: {},
        timeoutMs: 3_600_000,
        inactivityMs: 900_000,
        limits: { cpu: 2, memory: '4Gi', pids: 1024 },
        steps: [{ kind: 'run', name: null, commands: ['npm ci', 'npm test'] }],
      },
    ],
    environments: [],
    notify: [],
  })
})

test('short and long forms of get and needs mean the same', () => {
  const edges = (get: string, needs: string) =>
    parsePipeline(
      `jobs:\n  a: { image: "b:1", run: x, get: ${get} }\n  b: { image: "b:1", run: x, needs: ${needs} }`,
    ).pipeline?.jobs
  expect(edges('src', 'a')).toEqual(edges('[src]', '[a]'))
  expect(edges('{ src: {} }', '{ a: {} }')).toEqual(edges('src', 'a'))
  expect(edges('{ src: { trigger: false } }', 'a')?.[0]?.gets).toMatchObject([
    { resource: 'src', trigger: false },
  ])
})

test('scalars keep their source text where text is meant', () => {
  const { pipeline } = parsePipeline(job('    env: { A: 3.10, B: 0x1F, C: yes, D: 1e3, E: "q", F: 007 }'))
  expect(pipeline?.jobs[0]?.env).toEqual({ A: '3.10', B: '0x1F', C: 'yes', D: '1e3', E: 'q', F: '007' })
})

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['1h30m', 5_400_000],
  ['7d', 604_800_000],
])('a timeout of %s is %i ms', (text, ms) => {
  expect(parsePipeline(job(`    timeout: ${text}`)).pipeline?.jobs[0]?.timeoutMs).toBe(ms)
})

test.each([
  {
    it: 'an unknown key is an error with the nearest known one',
    text: job('    imgae: x'),
    says: '.takt.yml:5:5: error: unknown key `imgae` (unknown-key)\n    did you mean `image`?',
  },
  {
    it: 'an unknown key at the top lists what is known when nothing is near',
    text: `${job('')}zebra: 1\n`,
    says: '.takt.yml:5:1: error: unknown key `zebra` (unknown-key)\n    known here: resources, resource_types, triggers, defaults, jobs, environments, notify',
  },
  {
    it: 'an unknown job in needs is an error at its place in the list',
    text: job('    needs: [tst]'),
    says: '.takt.yml:5:13: error: there is no job `tst` (unknown-name)\n    did you mean `test`?',
  },
  {
    it: 'an unknown resource is an error that lists the known ones',
    text: job('    get: upstream'),
    says: '.takt.yml:5:10: error: there is no resource `upstream` (unknown-name)\n    known: src',
  },
  {
    it: 'a circle is printed as its path',
    text: 'jobs:\n  a: { image: "b:1", run: x, needs: c }\n  b: { image: "b:1", run: x, needs: a }\n  c: { image: "b:1", run: x, needs: b }',
    says: '.takt.yml:2:37: error: these jobs wait for each other for ever: a → c → b → a (cycle)\n    remove one of these `needs`',
  },
  {
    it: 'a job that needs itself is a circle',
    text: job('    needs: test'),
    says: '.takt.yml:5:12: error: these jobs wait for each other for ever: test → test (cycle)\n    remove one of these `needs`',
  },
  {
    it: 'interpolation inside run is explained',
    text: 'jobs: { test: { image: "b:1", run: "echo $(src.sha)" } }',
    says: '.takt.yml:1:36: error: `$(src.sha)` is not expanded inside `run`: the shell would take it for a command (interpolation-in-run)\n    use the environment variable "$SRC_SHA"',
  },
  {
    it: 'an image without a tag is a warning',
    text: 'jobs: { test: { image: node, run: x } }',
    says: '.takt.yml:1:24: warning: the image `node` has no tag; what it is may change from one run to the next (image-without-tag)\n    write a tag, such as `node:1.2`',
  },
  {
    it: 'a bad duration names the value and the rule',
    text: job('    timeout: 3x'),
    says: '.takt.yml:5:14: error: `jobs.test.timeout`: `3x` is not a time span between 1s and 7d, such as 90s, 30m or 1h30m (value)',
  },
  {
    it: 'a job without run is told what is missing',
    text: 'jobs:\n  test: { image: "b:1" }',
    says: '.takt.yml:2:9: error: `run` is missing (type)\n    a job has `run`, `put`, `approve`, `steps` or `use`',
  },
  {
    it: 'a bad job name is an error at the name',
    text: 'jobs:\n  Bad_Name: { image: "b:1", run: x }',
    says: '.takt.yml:2:3: error: `Bad_Name`: a name has 1 to 100 characters out of a-z, 0-9 and - (name)',
  },
  {
    it: 'the same key twice is an error',
    text: 'jobs:\n  a: { image: "b:1", run: x }\n  a: { image: "b:1", run: x }',
    says: '.takt.yml:3:3: error: the key `a` stands here twice (yaml)',
  },
  {
    it: 'broken YAML is an error at its place',
    text: 'jobs: [',
    says: '.takt.yml:1:8: error: Flow sequence in block collection must be sufficiently indented and end with a ] (yaml)',
  },
  {
    it: 'a file that is no mapping is an error',
    text: '- a\n- b',
    says: '.takt.yml:1:1: error: the file must be a mapping (type)',
  },
  {
    it: 'a NUL byte is an error at its place',
    text: 'jobs:\n  a\0: x',
    says: '.takt.yml:2:4: error: the file holds a NUL byte; it must be plain text (yaml)',
  },
  {
    it: 'a repository address of another protocol is refused',
    text: `resources: { src: { git: "file:///etc" } }\n${job('')}`,
    says: '.takt.yml:1:26: error: `file:///etc` is not a repository (value)\n    write `.` for this repository, or an https:// or ssh:// address',
  },
  {
    it: 'an option of the engine cannot be smuggled in',
    text: job('    privileged: true'),
    says: expect.stringMatching(
      /^\.takt\.yml:5:5: error: unknown key `privileged` \(unknown-key\)\n {4}known here: get, needs, start,/,
    ),
  },
])('$it', ({ text, says: expected }) => {
  expect(says(text)).toEqual([expected])
})

test('several errors are reported at once, in the order of the file', () => {
  const text = 'jobs:\n  a: { imgae: x, run: y, timeout: 5 }\n  b: { needs: [], run: [] }\nfoo: 1'
  const places = parsePipeline(text).diagnostics.map(({ line, column }) => `${line}:${column}`)
  expect(places).toEqual(['2:8', '2:35', '3:15', '3:24', '4:1'])
})

test.each([
  ['a NUL', 'jobs: { a: { image: "b:1", run: x, env: { A: "x\\0y" } } }', '1:46'],
  ['half of a surrogate pair', 'jobs: { a: { image: "b:1", run: "echo \\uD800" } }', '1:33'],
])('%s that an escape spells is refused at its place', (_, text, place) => {
  const { pipeline, diagnostics } = parsePipeline(text)
  expect(pipeline).toBeNull()
  expect(diagnostics.map(({ line, column, rule }) => [`${line}:${column}`, rule])).toEqual([[place, 'yaml']])
})

test('an empty file is told how to begin', () => {
  expect(parsePipeline(' \n').diagnostics).toMatchObject([
    { rule: 'empty', hint: expect.stringContaining('jobs:') },
  ])
})

test.each([
  ['more bytes than are read', `#${'x'.repeat(BOUNDS.bytes)}`],
  ['nesting beyond the bound', `jobs: ${'['.repeat(40)}${']'.repeat(40)}`],
  ['more aliases than the bound', `a: &a 1\njobs: [${'*a, '.repeat(60)}]`],
  [
    'an alias bomb',
    `a: &a [x,x]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: &d [${'*c,'.repeat(20)}]\njobs: *d`,
  ],
  ['an alias to itself', 'jobs: &a { x: *a }'],
])('%s is refused quickly', (_, text) => {
  const { pipeline, diagnostics } = parsePipeline(text)
  expect(pipeline).toBeNull()
  expect(diagnostics.length).toBeGreaterThan(0)
})

test('keys that mean something to JavaScript mean nothing here', () => {
  const rulesOf = (key: string) =>
    parsePipeline(`${key}: { polluted: yes }\njobs: { a: { image: "b:1", run: x } }`).diagnostics.map(
      ({ rule }) => rule,
    )
  expect([rulesOf('__proto__'), rulesOf('constructor')]).toEqual([['name'], ['unknown-key']])
  expect('polluted' in {}).toBe(false)
})
