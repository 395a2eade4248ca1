import { expect, test } from 'vitest'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { fullImageName } from '#pipelines/policy/image-name.ts'
import { runsBounds } from '#pipelines/policy/crowd.ts'
import { judge, judgeApprover } from '#pipelines/policy/judge.ts'
import { readPolicies } from '#pipelines/policy/read.ts'
import { PolicyRules } from '#pipelines/policy/rules.ts'
import { intervalOf, subjectsOf } from '#pipelines/policy/subjects.ts'

const DIGEST = `@sha256:${'a'.repeat(64)}`

/** What the rules say of a file on a lane of `shop`, as `effect rule value`. */
function said(rules: unknown, file: string, lane = 'main'): string[] {
  const { pipeline, diagnostics } = parseForRunning(file)
  if (!pipeline) throw new Error(JSON.stringify(diagnostics))
  return judge(PolicyRules.parse(rules), subjectsOf(pipeline), { project: 'shop', lane }).map(
    ({ effect, rule, value }) => `${effect} ${rule} ${value}`,
  )
}
const job = (more: string) => `jobs:\n  test:\n    run: say x\n${more.replace(/^/gm, '    ')}\n`

test.each([
  ['what no rule speaks of is allowed', [], 'image: node:22', []],
  [
    'the first rule that speaks of an image decides',
    [
      { name: 'ours', effect: 'allow', image: 'ghcr.io/acme/**' },
      { name: 'others', effect: 'deny', image: '**' },
    ],
    'image: ghcr.io/acme/a/b:1\nservices: { db: { image: "postgres:17" } }',
    ['deny others postgres:17'],
  ],
  [
    'an image is matched by its full name, however short it is written',
    [{ name: 'hub', effect: 'deny', image: 'docker.io/library/*' }],
    'image: node:22',
    ['deny hub node:22'],
  ],
  [
    'an image without a digest can be warned of',
    [{ name: 'pin', effect: 'warn', image: '**', digest: 'missing' }],
    `image: node:22\nservices: { db: { image: "postgres${DIGEST}" } }`,
    ['warn pin node:22'],
  ],
  [
    'labels of runners are denied by pattern',
    [{ name: 'metal', effect: 'deny', label: ['gpu', 'arch=*'] }],
    'runs_on: [gpu]',
    ['deny metal gpu'],
  ],
  [
    'a longer timeout than may be is denied, one as long is not',
    [{ name: 'long', effect: 'deny', run_time_over: '2h' }],
    'timeout: 3h',
    ['deny long 3h'],
  ],
  [
    'a timeout as long as may be is good',
    [{ name: 'long', effect: 'deny', run_time_over: '2h' }],
    'timeout: 2h',
    [],
  ],
  [
    'secrets are denied on lanes',
    [{ name: 'prod', effect: 'deny', secret: 'PROD_*', lanes: '!main' }],
    'when: push\nsecrets: [PROD_KEY, OTHER]',
    [],
  ],
  [
    'a rule for other projects says nothing here',
    [{ name: 'no', effect: 'deny', image: '**', projects: ['infra-*'] }],
    'image: node:22',
    [],
  ],
])('%s', (_, rules, more, wanted) => expect(said(rules, job(more))).toEqual(wanted))

test('a rule for lanes speaks on those lanes alone', () => {
  const rules = [{ name: 'prod', effect: 'deny', secret: 'PROD_*', lanes: '!main' }]
  const file = job('when: push\nsecrets: [PROD_KEY]')
  expect(said(rules, file, 'main')).toEqual([])
  expect(said(rules, file, 'release/1')).toEqual(['deny prod PROD_KEY'])
})

test('hosts of resources and schedules that come too often are found', () => {
  const rules = [
    { name: 'near', effect: 'deny', host: ['!git.acme.example'] },
    { name: 'calm', effect: 'deny', schedule_under: '15m' },
  ]
  const file = `resources:
  src: { git: . }
  far: { git: "https://evil.example/x.git", branch: main }
  own: { git: "https://git.acme.example/x.git", branch: main }
  often: { time: "*/5 * * * *" }
jobs:
  test: { get: [src, far, own, often], run: say x }
`
  expect(said(rules, file)).toEqual(['deny near evil.example', 'deny calm 5m'])
})

test.each([
  ['node', 'docker.io/library/node'],
  ['acme/shop:1', 'docker.io/acme/shop:1'],
  ['docker.io/node:22', 'docker.io/library/node:22'],
  ['index.docker.io/library/node:22', 'docker.io/library/node:22'],
  ['GHCR.io/acme/shop', 'ghcr.io/acme/shop'],
  ['localhost/x', 'localhost/x'],
  ['registry:5000/x', 'registry:5000/x'],
])('the full name of %s is %s', (image, full) => expect(fullImageName(image)).toBe(full))

test.each([
  ['90s', 90],
  ['*/5 * * * *', 300],
  ['0,58 * * * *', 120],
  ['0 * * * *', 3_600],
  ['30 3 * * *', 86_400],
  ['0 1,23 * * *', 7_200],
])('the schedule %s comes every %i seconds at the most', (schedule, seconds) =>
  expect(intervalOf(schedule)).toBe(seconds * 1_000),
)

test.each([
  ['no subject', [{ name: 'a', effect: 'deny' }], /speaks of nothing/],
  ['two subjects', [{ name: 'a', effect: 'deny', image: '**', label: 'x' }], /image and label; give it one/],
  ['another key', [{ name: 'a', effect: 'deny', image: '**', imgae: 1 }], /imgae/],
  ['a bad pattern', [{ name: 'a', effect: 'deny', image: 'a{b' }], /never closed/],
  ['no span', [{ name: 'a', effect: 'deny', run_time_over: 'long' }], /no span of time/],
  [
    'a name twice',
    [
      { name: 'a', effect: 'deny', image: '**' },
      { name: 'a', effect: 'warn', label: '*' },
    ],
    /two rules/,
  ],
])('a rule with %s is refused in words', (_, rules, words) => {
  const read = PolicyRules.safeParse(rules)
  expect(JSON.stringify(read.error?.issues)).toMatch(words)
})

const GOOD = '- { name: a, effect: deny, image: "**" }\n'
test.each([
  ['a word that is none', `${GOOD}- name: b\n  effect: forbid\n  image: x\n`, /^line 3: rule 2, effect: /],
  [
    'a key that is none, where its rule begins',
    `# why\n${GOOD}- pictures: 1\n`,
    /^line 3: rule 2: Unrecognized/,
  ],
  [
    'what is not there, where its rule begins',
    `${GOOD}\n- name: b\n  image: x\n`,
    /^line 3: rule 2, effect: /,
  ],
  ['a name that was taken', `${GOOD}\n${GOOD}`, /^line 3: rule 2, name: two rules are called `a`/],
  ['no list', 'rules: []\n', /^line 1: .*expected array/],
  ['no YAML', `${GOOD}- { name: b\n`, /^line 3: Flow map[^\n]*$/],
])('what is wrong with policies is told with its line: %s', (_, source, words) => {
  const read = readPolicies(source)
  if ('rules' in read) throw new Error('these were taken for policies')
  expect(
    read.problems.some((problem) => words.test(problem)),
    read.problems.join('\n'),
  ).toBe(true)
})

test.each([
  [['person:ada', 'role:viewer', 'role:approver'], 'nobody-else'],
  [['person:bo', 'team:release', 'role:approver'], null],
  [['person:cy', 'role:approver', 'role:maintainer'], null],
  [['person:cy', 'role:maintainer', 'author'], 'four-eyes'],
])('who decides at a gate is judged by the first rule that speaks of any of %j: %s', (names, rule) => {
  const rules = PolicyRules.parse([
    { name: 'four-eyes', effect: 'deny', approver: 'author' },
    { name: 'some', effect: 'allow', approver: ['team:rel*', 'role:maintainer'] },
    { name: 'nobody-else', effect: 'deny', approver: '*', message: 'ask' },
  ])
  expect(judgeApprover(rules, names, { project: 'shop', lane: 'main' })?.rule ?? null).toBe(rule)
})

test('of each project and of the organization the first rule that denies says how many runs there may be, and all that warn', () => {
  const rules = PolicyRules.parse([
    { name: 'many', effect: 'warn', runs_over: 5 },
    { name: 'free', effect: 'allow', runs_over: 1, projects: 'infra' },
    { name: 'topics', effect: 'deny', runs_over: 2, lanes: '!main' },
    { name: 'all', effect: 'deny', runs_over: 9 },
    { name: 'house', effect: 'deny', runs_over: 40, per: 'organization', message: 'machines are dear' },
    { name: 'later', effect: 'deny', runs_over: 30, per: 'organization' },
  ])
  const at = (project: string, lane: string) =>
    runsBounds(rules, { project, lane }).map(({ rule, most }) => `${rule} ${most}`)
  expect(at('infra', 'topic')).toEqual(['many 5', 'house 40'])
  expect(at('shop', 'topic')).toEqual(['many 5', 'topics 2', 'house 40'])
  expect(at('shop', 'main')).toEqual(['many 5', 'all 9', 'house 40'])
  expect(runsBounds([], { project: 'shop', lane: 'main' })).toEqual([])
  expect(runsBounds(rules, { project: 'shop', lane: 'main' }).map(({ words }) => words)).toEqual([
    'that shop has more than 5 at once is warned of by the policy `many`',
    'the policy `all` lets shop have 9 at once',
    'the policy `house` lets the organization have 40 at once: machines are dear',
  ])
})

const POWERFUL = `docker.io/library/dind@sha256:${'d1'.repeat(32)}`

test('a rule speaks of powers of root where an operator gives them to the very image that is named', () => {
  const { pipeline } = parseForRunning(`jobs:
  build: { image: '${POWERFUL}', run: x }
  other: { image: 'docker:27', services: { d: { image: '${POWERFUL}' } }, run: x }
`)
  const rules = PolicyRules.parse([{ name: 'calm', effect: 'deny', privileged: 'docker.io/library/dind@*' }])
  const place = { project: 'shop', lane: 'main' }
  const said = judge(rules, subjectsOf(pipeline!, [POWERFUL]), place)
  expect(said.map(({ words }) => words)).toEqual([
    `privileged running of \`${POWERFUL}\` of the job \`build\` is denied by the policy \`calm\``,
    `privileged running of \`${POWERFUL}\` of the job \`other\` is denied by the policy \`calm\``,
  ])
  expect(judge(rules, subjectsOf(pipeline!), place)).toEqual([])
})

test.each([
  ['- { name: a, effect: deny, image: "**", per: organization }', /`per` goes with `runs_over`/],
  ['- { name: a, effect: deny, runs_over: 0 }', /line 1: rule 1, runs_over/],
  ['- { name: a, effect: deny, approver: "!team:x" }', /speaks another rule/],
  ['- { name: a, effect: deny, approver: ada }', /person:/],
])('%s is no policy, in words', (source, words) => {
  const read = readPolicies(source)
  expect('problems' in read && read.problems.join()).toMatch(words)
})
