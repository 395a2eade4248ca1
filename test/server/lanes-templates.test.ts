import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { line, settled, told, ZERO } from '../support/told.ts'

const TEMPLATE = 'inputs: { who: { text: {}, default: you } }\njob: { run: greet "$WITH_WHO" }'
const using = (reference: string) => ({
  '.takt.yml': `jobs: { test: { use: "${reference}", with: { who: Ann } } }`,
})
const NOWHERE = 'f'.repeat(40)

test('a file of a hosted repository uses a template of its own, at the commit it names', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push({ 'ci/greet.yml': TEMPLATE })
  await clone.push({ ...using(`.//ci/greet.yml@${sha}`), 'ci/greet.yml': 'job: { run: something else }' })
  expect((await settled(house))[0]!.reason).toMatch(/^shop\/main: src \w{7} on main$/)
  const { definition } = await house.db.selectFrom('revisions').select('definition').executeTakeFirstOrThrow()
  expect(definition!.jobs[0]).toMatchObject({
    env: { WITH_WHO: 'Ann' },
    steps: [{ kind: 'run', commands: ['greet "$WITH_WHO"'] }],
  })
})

test('a file uses a template of its repository elsewhere, and of another one', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await using ci = await publicGit('ci')
  const tell = await told(house, git)
  const own = await git.clone.push({ 'greet.yml': TEMPLATE })
  const first = await git.clone.push(using(`.//greet.yml@${own}`))
  expect((await tell(ZERO, first)).reason).toBe(`shop/main: src ${first.slice(0, 7)} on main`)
  const other = await ci.clone.push({ 'deep/greet.yml': TEMPLATE })
  const second = await git.clone.push(using(`${ci.url}//deep/greet.yml@${other}`))
  expect((await tell(first, second)).reason).toBe(`shop/main: src ${second.slice(0, 7)} on main`)
  const seen = ci.fetches()
  const third = await git.clone.push({ a: '1' })
  await tell(second, third)
  expect(ci.fetches()).toBe(seen)
})

test.each([
  ['without its file', (url: string, sha: string) => `${url}//none.yml@${sha}`, 'has no none.yml'],
  ['at no commit', (url: string) => `${url}//a.yml@${NOWHERE}`, 'its repository has no such commit'],
  [
    'of no repository',
    (url: string, sha: string) => `${url}x//a.yml@${sha}`,
    'its repository is not there, or not for everybody',
  ],
  ['of its own, at no commit', () => `.//a.yml@${NOWHERE}`, 'its repository has no such commit'],
  [
    'of no address',
    (_: string, sha: string) => `acme/ci//a.yml@${sha}`,
    'must begin with https://, http:// or ssh://',
  ],
])('a template %s makes the file a bad one, at its place and with the reason', async (_, of, words) => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const sha = await git.clone.push({ 'a.yml': TEMPLATE })
  const after = await git.clone.push(using(of(git.url, sha)))
  const { state, reason } = await tell(ZERO, after)
  expect(state).toBe('ignored')
  expect(reason).toMatch(/^shop\/main: \.takt\.yml:1:22: the template `/)
  expect(reason).toContain(words)
})

test('what is not carried out yet is refused inside a template, too', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push({ 'a.yml': 'job:\n  run: x\n  environment: prod' })
  await clone.push({ '.takt.yml': `jobs: { test: { use: ".//a.yml@${sha}" } }` })
  expect((await settled(house))[0]!.reason).toContain(
    `.//a.yml@${sha}:3:3: \`environment\` is not carried out yet`,
  )
})

test('a template that comes later makes the same file a good one', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await using ci = await publicGit('ci')
  const tell = await told(house, git)
  const sha = await ci.clone.commit({ 'a.yml': TEMPLATE })
  const first = await git.clone.push(using(`${ci.url}//a.yml@${sha}`))
  expect((await tell(ZERO, first)).reason).toContain('its repository has no such commit')
  await ci.clone.git('push', '-q', 'origin', 'HEAD:main')
  const before = (await settled(house))[0]!.id
  await house.ask(`POST /api/v1/deliveries/${before}/replay`)
  expect((await settled(house))[0]!.reason).toBe(`shop/main: src ${first.slice(0, 7)} on main`)
  expect((await line(house)).revision).toMatchObject({ sha: first, valid: true })
})
