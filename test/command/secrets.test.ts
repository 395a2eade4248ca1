import { expect, test } from 'vitest'
import { fakeApi } from './fake-api.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

const AT = '/api/v1/projects/shop/secrets'
const NARROWED = { environment: null, job: 'deploy-*', trigger: null, branch: null }
const HERE = { store: null, reference: null }
const KEY = {
  name: 'DEPLOY_KEY',
  owner: 'project',
  ...NARROWED,
  ...HERE,
  created_at: 'x',
  updated_at: '2026-01-02T03:04:05Z',
  updated_by: 'Ann',
}
const ANSWERS = {
  [`PUT ${AT}/DEPLOY_KEY`]: { body: KEY },
  [`GET ${AT}`]: { body: { items: [KEY], next: null } },
  [`DELETE ${AT}/DEPLOY_KEY`]: { body: null },
  'PUT /api/v1/organizations/acme/secrets/DEPLOY_KEY': { body: { ...KEY, owner: 'organization' } },
  'GET /api/v1/projects/shop/pipelines/main/jobs/deploy/secrets': {
    body: {
      ...{ lane: 'main', trigger: 'push', trusted: true },
      items: [
        {
          name: 'DEPLOY_KEY',
          chosen: { owner: 'project', ...NARROWED, ...HERE },
          passed_over: [
            { owner: 'organization', ...NARROWED, ...HERE, job: null, because: 'the project has its own' },
          ],
        },
      ],
    },
  },
}

/** @returns What was said, and what the server was asked. */
async function secrets(args: string[], input = '') {
  await using api = await fakeApi(ANSWERS)
  const child = startTakt(['secrets', ...args], { env: { TAKT_URL: api.url } })
  child.stdin!.end(input)
  const { code, out, err } = await outcomeOf(child)
  return { code, out, err, asked: api.asked.map(({ method, path, body }) => ({ method, path, body })) }
}

test.each([
  ['a line', 'hunter22\n', 'hunter22'],
  ['a file of lines', '-----BEGIN-----\nabc\n-----END-----\n', '-----BEGIN-----\nabc\n-----END-----'],
  ['text without a line end', 'hunter22', 'hunter22'],
])('a secret’s value is %s on standard input, and is not said again', async (_, input, value) => {
  const said = await secrets(['set', 'shop', 'DEPLOY_KEY'], input)
  expect(said).toMatchObject({
    code: 0,
    asked: [{ method: 'PUT', path: `${AT}/DEPLOY_KEY`, body: { value } }],
  })
  expect(said.out + said.err).not.toContain(value)
})

test('a secret without a value is wrong use, and the server is not asked', async () => {
  expect(await secrets(['set', 'shop', 'DEPLOY_KEY'])).toMatchObject({ code: 2, asked: [] })
})

test('a value among the arguments is wrong use: everybody on the machine would see it', async () => {
  expect(await secrets(['set', 'shop', 'DEPLOY_KEY', 'hunter22'])).toMatchObject({ code: 2, asked: [] })
})

test('secrets are listed by name, time and person, and removed by name', async () => {
  expect((await secrets(['list', 'shop'])).out).toMatch(
    /DEPLOY_KEY +project +the job deploy-\* +here +2026-01-02T03:04:05Z +Ann/,
  )
  const removed = await secrets(['remove', 'shop', 'DEPLOY_KEY'])
  expect(removed).toMatchObject({ code: 0, asked: [{ method: 'DELETE', path: `${AT}/DEPLOY_KEY` }] })
})

test('a secret is set for some runs only, and for all projects of an organization', async () => {
  const scope = ['--job', 'deploy-*', '--trigger', 'push', '--branch', 'main']
  const said = await secrets(['set', 'acme', 'DEPLOY_KEY', '--organization', ...scope], 'hunter22\n')
  expect(said).toMatchObject({
    code: 0,
    asked: [
      {
        path: '/api/v1/organizations/acme/secrets/DEPLOY_KEY',
        body: { value: 'hunter22', job: 'deploy-*', trigger: 'push', branch: 'main' },
      },
    ],
  })
  expect(said.err).toContain('for the job deploy-*')
})

test('which secret a job gets is told, and why not another', async () => {
  const { code, out } = await secrets(['explain', 'shop/main/deploy'])
  expect({ code, out: out.split('\n').slice(0, 3) }).toEqual({
    code: 0,
    out: [
      'shop/main/deploy on main, started by push',
      '  DEPLOY_KEY  the project’s, for the job deploy-*',
      '    not the organization’s, for every run: the project has its own',
    ],
  })
})
