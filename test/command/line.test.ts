import { describe, expect, test } from 'vitest'
import { fakeApi } from './fake-api.ts'
import { takt } from './run-takt.ts'

const COMMIT = 'b81c06ffcb17b5998f6a3bcbce92ed0225ea5aca'
const LINE = '/api/v1/projects/shop/pipelines/main'
const AT = '2026-01-02T03:04:05Z'
const BY_ANN = { by: 'Ann', reason: 'the \u001b[31mmarket is closed', at: AT }
const RUN = { id: 8, job: 'test', state: 'queued' }

/** Ask with these words, against a server with one answer. @returns What was asked, and what was said. */
async function ask(args: string[], route: string, body: unknown, status = 200) {
  await using api = await fakeApi({ [route]: { status, body } })
  const said = await takt(args, { env: { TAKT_URL: api.url } })
  return { ...said, asked: api.asked[0] }
}

describe('an action is asked for', () => {
  const jobs = `${LINE}/jobs/test`
  test.each<[string, string[], string, unknown, RegExp]>([
    [
      'a start with chosen versions and a filled-in form',
      [
        'trigger',
        'shop/main/test',
        '--lane',
        'pr/3',
        '--version',
        'src=b81c',
        '--input',
        'why=a=b\nc',
        '--input',
        'n=1',
        '--version',
        'infra=v1',
      ],
      `POST ${jobs}/runs`,
      { lane: 'pr/3', versions: { src: 'b81c', infra: 'v1' }, inputs: { why: 'a=b\nc', n: '1' } },
      /takt logs -f 8/,
    ],
    ['a start with nothing chosen', ['trigger', 'shop/main/test'], `POST ${jobs}/runs`, {}, /takt logs -f 8/],
    ['a retry', ['retry', '7'], 'POST /api/v1/runs/7/retry', {}, /takt logs -f 8/],
    [
      'a retry with the newest versions',
      ['retry', '7', '--newest'],
      'POST /api/v1/runs/7/retry',
      { with: 'newest' },
      /takt logs -f 8/,
    ],
    [
      'a pin',
      ['pin', 'shop/main/src', 'b81c', '--lane', 'x', '--reason', 'it works'],
      `PUT ${LINE}/resources/src/pin`,
      { lane: 'x', version: 'b81c', reason: 'it works' },
      /shop\/main\/src is pinned to b81c/,
    ],
    [
      'the end of a pin',
      ['unpin', 'shop/main/src', '--lane', 'x'],
      `DELETE ${LINE}/resources/src/pin?lane=x`,
      null,
      /follows its newest version/,
    ],
    [
      'a pause',
      ['pause', 'shop/main/test', '--reason', 'a fair'],
      `POST ${jobs}/pause`,
      { reason: 'a fair' },
      /is paused/,
    ],
    ['the end of a pause', ['resume', 'shop/main/test'], `POST ${jobs}/resume`, {}, /goes on/],
    [
      'a pause of a whole pipeline',
      ['pause', 'shop/main', '--reason', 'a fair'],
      `POST ${LINE}/pause`,
      { reason: 'a fair' },
      /shop\/main is paused/,
    ],
    [
      'a pause of a resource',
      ['pause', 'shop/main/src', '--resource', '--reason', 'a fair'],
      `POST ${LINE}/resources/src/pause`,
      { reason: 'a fair' },
      /shop\/main\/src is paused/,
    ],
    ['the end of that', ['resume', 'shop/main'], `POST ${LINE}/resume`, {}, /shop\/main goes on/],
  ])('%s', async (_, args, route, body, words) => {
    const { code, err, asked } = await ask(args, route, RUN)
    expect({ code, err, body: asked?.body }).toEqual({ code: 0, err: expect.stringMatching(words), body })
  })

  test('everything that failed with a version runs again, each run named', async () => {
    const args = ['rerun', 'shop/main', '--lane', 'main', '--version', 'b81c']
    const { out, asked } = await ask(args, `POST ${LINE}/rerun`, {
      items: [RUN, { ...RUN, id: 9, job: 'lint' }],
      next: null,
    })
    expect({ out, body: asked?.body }).toEqual({
      out: '8  test\n9  lint\n',
      body: { lane: 'main', version: 'b81c' },
    })
  })

  test('everything that failed around a run runs again, and nothing else is asked of it', async () => {
    const around = { items: [RUN], next: null }
    const { out } = await ask(['retry', '7', '--failed'], 'POST /api/v1/runs/7/rerun', around)
    expect(out).toBe('8  test\n')
    const none = await ask(['retry', '7', '--failed'], 'POST /api/v1/runs/7/rerun', { items: [], next: null })
    expect(none.err).toMatch('nothing to run again: no job of its line stopped with its versions')
    const both = await ask(['retry', '7', '--failed', '--newest'], 'POST /api/v1/runs/7/rerun', around)
    expect([both.code, both.asked]).toEqual([2, undefined])
  })
})

test.each([
  ['a version without its resource', ['trigger', 'a/b/c', '--version', 'x'], /Write <name>=<value>/],
  ['an input without a name', ['trigger', 'a/b/c', '--input', '=x'], /Write <name>=<value>/],
  ['a pin without a reason', ['pin', 'a/b/c', 'x'], /'--reason <words>' not specified/],
  ['a pause without a reason', ['pause', 'a/b/c'], /'--reason <words>' not specified/],
  ['a rerun of a job', ['rerun', 'a/b/c', '--lane', 'x', '--version', 'y'], /write <project>\/<pipeline>/],
  ['a pin of a pipeline', ['pin', 'a/b', 'x', '--reason', 'y'], /write <project>\/<pipeline>\/<resource>/],
  ['an explanation of a job', ['explain', 'test'], /A run is named by its number/],
])('%s is wrong use', async (_, args, words) => {
  const { code, err } = await takt(args)
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(words) })
})

const WHY = {
  ...{ job: 'test', lane: 'main', waits: ['waits for lint on b81c06f, which is running'], paused: BY_ANN },
  gathered: [],
  held: [{ run: 41, reason: 'waits for run 40 of the group deploy' }],
  triggers: [
    {
      id: 2,
      kind: 'ending',
      edge: 'lint',
      version: null,
      from_run: 40,
      fate: 'no-run',
      reason: 'paused by Ann',
      run: null,
      at: AT,
      settled_at: AT,
    },
    {
      id: 1,
      kind: 'version',
      edge: 'src',
      version: COMMIT,
      from_run: null,
      fate: 'run',
      reason: null,
      run: 39,
      at: AT,
      settled_at: AT,
    },
  ],
}

test('why a job does not run is told in words, with what became of every trigger', async () => {
  const route = `GET ${LINE}/jobs/test/why?lane=main`
  const { code, out } = await ask(['why', 'shop/main/test', '--lane', 'main'], route, WHY)
  expect(code).toBe(0)
  expect(out).toMatch(
    /^shop\/main\/test on main\n {2}paused by Ann: the {2}\[31mmarket is closed\n {2}waits for lint on b81c06f/,
  )
  expect(out).toMatch(/held\n {2}run 41 {2}waits for run 40/)
  expect(out).toMatch(/lint ended in run 40 +no-run +paused by Ann\n.*src b81c06ffcb17 +run 39\n$/)
  expect(out).not.toContain('\u001b')
})

test('a job that waits for nothing says so', async () => {
  const nothing = { ...WHY, waits: [], paused: null, held: [], triggers: [] }
  const { out } = await ask(['why', 'shop/main/test'], `GET ${LINE}/jobs/test/why`, nothing)
  expect(out).toBe('shop/main/test on main\n  waits for nothing\n')
})

const DECIDED = {
  inputs: [{ resource: 'src', version: COMMIT, from_runs: [5, 6] }],
  upstreams: [{ job: 'build', run: 5 }],
  ...{ start: 'settled', reason: 'build passed src b81c06f', advances: true, skip: null },
}
const FACTS = {
  inputs: [{ resource: 'src', newest: { name: COMMIT }, pin: { words: 'pinned by Ann: x' } }],
  needs: [{ job: 'build', newest: { run: 5, state: 'succeeded' }, endings: [{}, {}] }],
  taken: { run: 3 },
}
const EXPLAINED = { run: 7, how: 'planned', facts: FACTS, decided: DECIDED, replay: [DECIDED], same: true }

test('a run is explained by its facts and its decision, and the same facts decide the same', async () => {
  const { code, out } = await ask(['explain', '7'], 'GET /api/v1/runs/7/explain', EXPLAINED)
  expect(code).toBe(0)
  expect(out).toBe(`run 7: the planner decided it
  reason    build passed src b81c06f
  start     settled
  takes     src b81c06ffcb17 (run 5, 6)
  needs     build, run 5

what was known
  src: newest b81c06ffcb17, pinned by Ann: x
  build: newest run 5 succeeded, 2 endings to choose from
  taken before: run 3

the same facts decide now
  the same
`)
})

test.each([
  ['nothing', [], /something else: no run/],
  ['another run', [{ ...DECIDED, reason: 'another reason' }], /something else:\n.*another reason/],
])('an explanation whose facts ask for %s now is red', async (_, replay, words) => {
  const answer = { ...EXPLAINED, replay, same: false }
  const { code, out } = await ask(['explain', '7'], 'GET /api/v1/runs/7/explain', answer)
  expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(words) })
  expect((await ask(['explain', '7', '--json'], 'GET /api/v1/runs/7/explain', answer)).code).toBe(1)
})

const VERSION = {
  ...{ name: COMMIT, title: 'Say hi', author: 'Ada', ref: 'refs/heads/main', created_at: AT, seq: 3 },
  ...{ forced: true, left: false, disabled: BY_ANN, pinned: null, used: false, changed: 4 },
}

test('versions are listed with what was decided about them', async () => {
  const route = `GET ${LINE}/resources/src/versions?limit=1`
  const list = { resource: 'src', lane: 'main', items: [VERSION], next: '3' }
  const { out } = await ask(['versions', 'shop/main/src', '--limit', '1'], route, list)
  expect(out).toMatch(
    /b81c06ffcb17 .* Ada +Say hi +disabled by Ann: the {2}\[31mmarket is closed; came by a force-push; not used yet\n$/,
  )
})

const TRACE = {
  ...{ version: COMMIT, title: 'Say hi', author: 'Ada' },
  environments: [
    {
      name: 'production',
      pipeline: 'main',
      lane: 'main',
      job: 'deploy',
      run: 12,
      since: AT,
      state: 'was here',
    },
  ],
  lines: [
    {
      ...{
        pipeline: 'main',
        lane: 'main',
        resource: 'src',
        recorded_at: AT,
        newest: true,
        left: false,
        disabled: null,
      },
      jobs: [
        {
          job: 'publish',
          run: {
            ...{ id: 11, number: 2, state: 'succeeded', environment: null, created_at: AT, ended_at: AT },
            outputs: [{ resource: 'image', version: 'sha256:1' }],
          },
        },
        { job: 'deploy', run: null },
      ],
    },
  ],
}

test('a commit is traced to environments and through the jobs of its lines', async () => {
  const route = 'GET /api/v1/projects/shop/trace?version=b81c'
  const { code, out } = await ask(['trace', 'shop', 'b81c'], route, TRACE)
  expect(code).toBe(0)
  expect(out).toMatch(
    /^b81c06f\w+ {2}Say hi {2}by Ada\n\nenvironments\n {2}production: was here since .* \(run 12\)\n/,
  )
  expect(out).toMatch(
    /main on main, as src; the newest\n {2}JOB .*\n {2}publish +succeeded +11 .* image sha256:1\n {2}deploy +not yet\n$/,
  )
})

test.each([
  [['why', 'shop/main/test', '--json'], `GET ${LINE}/jobs/test/why`, WHY],
  [['explain', '7', '--json'], 'GET /api/v1/runs/7/explain', EXPLAINED],
  [
    ['versions', 'shop/main/src', '--json'],
    `GET ${LINE}/resources/src/versions`,
    { resource: 'src', lane: 'main', items: [], next: null },
  ],
  [['trace', 'shop', 'b81c', '--json'], 'GET /api/v1/projects/shop/trace?version=b81c', TRACE],
])('%j passes the answer on as it came', async (args, route, body) => {
  expect(JSON.parse((await ask(args, route, body)).out)).toEqual(body)
})
