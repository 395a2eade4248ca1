import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Asking,
  branchOf,
  bySpecificity,
  type Candidate,
  chooseSecret,
  EVERYWHERE,
  OUTSIDE,
  scopeWords,
  STARTS,
  unmeant,
} from '#pipelines/plan/secret-scopes.ts'

const DEPLOY: Asking = { job: 'deploy-eu', environment: 'production', branch: 'main', starts: ['push'] }
const of = (more: Partial<Candidate> = {}): Candidate => ({ owner: 'project', ...EVERYWHERE, ...more })

describe('a secret is for the runs that all of its scope fits', () => {
  test.each<[string, Partial<Candidate>, Partial<Asking>, RegExp | null]>([
    ['without a scope', {}, {}, null],
    ['of its environment', { environment: 'production' }, {}, null],
    ['of another environment', { environment: 'production' }, { environment: 'staging' }, /this is staging/],
    ['of no environment', { environment: 'production' }, { environment: null }, /names none/],
    ['of a job that the glob fits', { job: 'deploy-*' }, {}, null],
    ['of a job that it does not fit', { job: 'deploy-*' }, { job: 'test' }, /this is test/],
    ['of its trigger', { trigger: 'push' }, {}, null],
    ['of one of two triggers', { trigger: 'push' }, { starts: ['upstream', 'push'] }, null],
    ['of another trigger', { trigger: 'push' }, { starts: ['manual'] }, /by push.*manual/],
    ['of a start nobody knows', { trigger: 'push' }, { starts: [] }, /no such start/],
    ['of a branch that the glob fits', { branch: '{main,release/*}' }, { branch: 'release/1' }, null],
    ['of another branch', { branch: 'main' }, { branch: 'mainly' }, /this is mainly/],
    ['of a tag', { branch: '**' }, { branch: null }, /no branch/],
    ['where one of two conditions fails', { job: 'deploy-*', branch: 'x' }, {}, /branch x/],
  ])('%s', (_, scope, asking, words) => {
    const refusal = unmeant(of(scope), { ...DEPLOY, ...asking })
    if (words === null) expect(refusal).toBeNull()
    else expect(refusal).toMatch(words)
  })

  test('what is looked at outside of any run gets only what is for everything', () => {
    expect(unmeant(EVERYWHERE, OUTSIDE)).toBeNull()
    for (const scope of [{ environment: 'x' }, { job: '**' }, { trigger: 'push' as const }, { branch: '**' }])
      expect(unmeant(of(scope), OUTSIDE)).not.toBeNull()
  })
})

test('the most specific one wins: the order that people are told', () => {
  const order = [
    of({ environment: 'production', job: 'deploy-eu' }),
    of({ environment: 'production' }),
    of({ job: 'deploy-eu', trigger: 'push', branch: 'main' }),
    of({ job: 'deploy-eu' }),
    of({ job: 'deploy-*' }),
    of({ job: '*' }),
    of({ trigger: 'push', branch: 'main' }),
    of({ trigger: 'push' }),
    of({ branch: 'main' }),
    of({ branch: 'm*' }),
    of(),
    of({ owner: 'organization', environment: 'production' }),
    of({ owner: 'organization' }),
  ]
  expect(order.toReversed().toSorted(bySpecificity)).toEqual(order)
  for (let from = 0; from < order.length; from++)
    expect(chooseSecret(order.slice(from).toReversed(), DEPLOY).chosen).toBe(order[from])
})

test('of the others each says why it is not the one', () => {
  const candidates = [of({ owner: 'organization' }), of(), of({ branch: 'main' }), of({ job: 'test' })]
  const { chosen, passedOver } = chooseSecret(candidates, DEPLOY)
  expect(chosen).toMatchObject({ branch: 'main' })
  expect(passedOver.map(({ because }) => because)).toEqual([
    'it is for the job test, and this is deploy-eu',
    'a more specific one is there',
    'the project has one of its own',
  ])
  expect(chooseSecret([of({ job: 'test' })], DEPLOY).chosen).toBeNull()
})

test('whatever there is to choose from, in whatever order, the same one is chosen, and it fits', () => {
  const maybe = <T>(...values: T[]) => fc.constantFrom(null, ...values)
  const candidate = fc.record({
    owner: fc.constantFrom('project' as const, 'organization' as const),
    environment: maybe('production', 'staging'),
    job: maybe('deploy-*', 'deploy-eu', '*-eu', 'test'),
    trigger: maybe(...STARTS),
    branch: maybe('main', 'm*', '*n'),
  })
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 8 }), fc.integer(), (all, turn) => {
      const at = all.length === 0 ? 0 : Math.abs(turn) % all.length
      const turned = [...all.slice(at), ...all.slice(0, at)]
      const { chosen } = chooseSecret(all, DEPLOY)
      expect(chooseSecret(turned, DEPLOY).chosen).toEqual(chosen)
      const fitting = all.filter((each) => unmeant(each, DEPLOY) === null)
      expect(chosen === null).toBe(fitting.length === 0)
      if (chosen) for (const each of fitting) expect(bySpecificity(chosen, each)).toBeLessThanOrEqual(0)
    }),
    { seed: 20261121 },
  )
})

test('a lane is a branch’s only where pushes make it', () => {
  expect(branchOf({ name: 'main', kind: 'push' })).toBe('main')
  expect(branchOf({ name: 'heads/pr/12', kind: 'push' })).toBe('pr/12')
  expect(branchOf({ name: 'tag/v1', kind: 'tag' })).toBeNull()
  expect(branchOf({ name: 'pr/12', kind: 'pull_request' })).toBeNull()
})

test('a scope is told in words', () => {
  expect(scopeWords(EVERYWHERE)).toBe('for every run')
  expect(scopeWords(of({ job: 'deploy-*', branch: 'main' }))).toBe('for the job deploy-* and the branch main')
})
