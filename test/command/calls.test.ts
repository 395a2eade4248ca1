import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { fakeApi, problem } from './fake-api.ts'
import { scratch, startTakt, takt } from './run-takt.ts'

const COMMIT = 'b81c06ffcb17b5998f6a3bcbce92ed0225ea5aca'
const RUN = {
  ...{
    id: 7,
    project: 'shop',
    pipeline: 'main',
    job: 'test',
    lane: 'main',
    number: 3,
    state: 'failed',
    attempt: 1,
    attempts: 3,
    earlier: [],
  },
  ...{
    reason: 'new version of src b81c06f',
    error: null,
    cancel_requested: false,
    retry_of: null,
    runner: 'r1',
    isolated: false,
    usage: { peak_memory_bytes: 200 * 2 ** 20, cpu_ms: 522 },
  },
  inputs: [
    {
      resource: 'src',
      version: COMMIT,
      title: 'Say \u001b[31mhi',
      author: 'Ada',
      ref: null,
      from_run: 6,
      from_runs: [6],
    },
  ],
  ...{
    outputs: {},
    created_at: '2026-01-02T03:04:05Z',
    started_at: '2026-01-02T03:04:05Z',
    ended_at: '2026-01-02T03:06:10Z',
  },
  steps: [
    {
      ...{
        step: 1,
        name: 'run',
        state: 'failed',
        exit_code: 2,
        lines: 1,
        bytes: 9,
        started_at: null,
        ended_at: null,
      },
      commands: [
        {
          command: 0,
          text: 'npm test',
          state: 'failed',
          exit_code: 2,
          first_line: 0,
          started_at: null,
          ended_at: null,
        },
      ],
    },
  ],
  checkpoints: [],
  images: [{ image: 'node:24', id: 'sha256:0', digests: ['node@sha256:1234'] }],
  warnings: [{ rule: 'images', words: 'the image is \u001b[31mnot pinned', at: '2026-11-20T12:00:00.000Z' }],
  downstream: [],
}

test.each([
  ['an unknown command', ['chekc'], /unknown command 'chekc'/],
  ['an unknown option', ['runs', 'list', '--laen', 'x'], /unknown option '--laen'/],
  ['no command', [], /Usage: takt/],
  ['a run that is no number', ['logs', 'seven'], /A run is named by its number/],
  ['a job without its pipeline', ['trigger', 'shop/test'], /write <project>\/<pipeline>\/<job>/],
  ['a missing argument', ['projects', 'add'], /missing required argument 'name'/],
])('%s is wrong use', async (_, args, words) => {
  const { code, err } = await takt(args)
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(words) })
})

test('asking for help is not wrong', async () => {
  expect(await takt(['--help'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/Exit codes: 0 good, 1/),
  })
})

test('settings that are wrong are named, their values are not', async () => {
  const { code, err } = await takt(['runs', 'list'], { env: { TAKT_URL: 'secret-thing' } })
  expect(code).toBe(2)
  expect(err).toMatch(/TAKT_URL/)
  expect(err).not.toMatch(/secret-thing/)
})

test('a server that cannot be reached is exit code 3, with what to do', async () => {
  const { code, err } = await takt(['runs', 'list'], { env: { TAKT_URL: 'http://127.0.0.1:9' } })
  expect({ code, err }).toEqual({
    code: 3,
    err: expect.stringMatching(/no server answers at http:\/\/127.*npx takt up.*TAKT_URL/),
  })
})

test.each([
  [401, 'Unauthorized', 2, /set TAKT_TOKEN to an API token/],
  [404, 'There is no such run', 2, /There is no such run: number 7\n {4}look at the list/],
  [503, 'The server cannot do this at the moment', 3, /cannot do this/],
  [502, 'Bad Gateway', 3, /Bad Gateway/],
  [504, 'Gateway Timeout', 3, /Gateway Timeout/],
  [500, 'The server failed; the cause is in its log', 1, /^takt: The server failed; the cause/],
  [501, 'Not Implemented', 1, /^takt: the server failed: Not Implemented/],
])('a refusal with %i is told in the server’s words', async (status, title, exitCode, words) => {
  await using api = await fakeApi({
    'GET /api/v1/runs/7': problem(status, title, { detail: 'number 7', hint: 'look at the list' }),
  })
  const { code, err } = await takt(['runs', 'show', '7'], { env: { TAKT_URL: api.url, TAKT_TOKEN: 'wrong' } })
  expect({ code, err }).toEqual({ code: exitCode, err: expect.stringMatching(words) })
})

test('on the server’s own machine address and token come from the data directory', async () => {
  await using api = await fakeApi({ 'GET /api/v1/runs': { body: { items: [], next: null } } })
  await using here = await scratch()
  const data = join(here.path, 'data')
  await mkdir(data)
  await writeFile(join(data, 'token'), 'takt_local\n')
  await writeFile(join(data, 'address'), `${api.url}\n`)
  const { code } = await takt(['runs', 'list'], { env: { TAKT_DATA: data, TAKT_URL: '' } })
  expect(code).toBe(0)
  expect(api.asked[0]?.auth).toBe('Bearer takt_local')
})

test('a token that is set is not looked for', async () => {
  await using api = await fakeApi({
    'GET /api/v1/runs?project=shop&state=failed': { body: { items: [RUN], next: null } },
  })
  const env = { TAKT_URL: api.url, TAKT_TOKEN: 'takt_mine' }
  const { code, out } = await takt(['runs', 'list', '--project', 'shop', '--state', 'failed'], { env })
  expect(code).toBe(0)
  expect(api.asked[0]?.auth).toBe('Bearer takt_mine')
  expect(out).toMatch(
    /^RUN  STATE   JOB +LANE  VERSIONS +CREATED +LASTED\n7    failed  shop\/main\/test  main  b81c06ffcb17 .* 2m 5s\n$/,
  )
})

test('a run is shown with its steps and commands, and nobody’s commit message steers the terminal', async () => {
  await using api = await fakeApi({ 'GET /api/v1/runs/7': { body: RUN } })
  const { code, out } = await takt(['runs', 'show', '7'], { env: { TAKT_URL: api.url } })
  expect(code).toBe(0)
  expect(out).toMatch(/run 7 {2}shop\/main\/test #3 {2}failed/)
  expect(out).toMatch(/r1 \(no isolation\)/)
  expect(out).toMatch(/failed +npm test \(exit code 2\)/)
  expect(out).toMatch(/took +200\.0 MiB of memory at most, 0\.5 s of a processor\n/)
  expect(out).toMatch(/warned of by policies\n +the image is .*not pinned \(images\)/)
  expect(out).toMatch(/images that ran\n +node:24 {2}node@sha256:1234/)
  expect(out).not.toContain('\u001b')
})

test('for programs the answer is passed on as it came', async () => {
  await using api = await fakeApi({ 'GET /api/v1/runs/7': { body: RUN } })
  const { out } = await takt(['runs', 'show', '7', '--json'], { env: { TAKT_URL: api.url } })
  expect(JSON.parse(out)).toEqual(RUN)
})

test('a job is triggered on a lane, and its run named', async () => {
  const path = '/api/v1/projects/shop/pipelines/main/jobs/test/runs'
  await using api = await fakeApi({
    [`POST ${path}`]: { status: 201, body: { ...RUN, id: 8, state: 'queued' } },
  })
  const { code, out, err } = await takt(['trigger', 'shop/main/test', '--lane', 'pr/3'], {
    env: { TAKT_URL: api.url },
  })
  expect({ code, out }).toEqual({ code: 0, out: '8\n' })
  expect(err).toMatch(/takt logs -f 8/)
  expect(api.asked[0]?.body).toEqual({ lane: 'pr/3' })
})

test('a log is printed byte for byte', async () => {
  const bytes = Buffer.from('plain\r\u001b[32mgreen\u001b[0m \u00e4 \u0000 end without newline')
  await using api = await fakeApi({ 'GET /api/v1/runs/7/log': { body: new Uint8Array(bytes) } })
  expect(await takt(['logs', '7'], { env: { TAKT_URL: api.url } })).toMatchObject({
    code: 0,
    out: bytes.toString(),
  })
})

test.each([
  ['succeeded', 0],
  ['failed', 1],
  ['errored', 1],
])(
  'a followed log goes on where it was after a broken connection; a run that %s ends with %i',
  async (state, exitCode) => {
    const heard: unknown[] = []
    const piece = (offset: number, text: string) =>
      JSON.stringify({
        say: 'log',
        watch: 1,
        attempt: 1,
        step: 1,
        offset,
        end: offset + text.length,
        firstLine: 0,
        text,
        at: '',
      })
    await using api = await fakeApi({ 'GET /api/v1/runs/7': { body: { ...RUN, state } } }, (socket, said) => {
      heard.push(said)
      if (heard.length === 1) {
        socket.send(piece(0, 'one\n'))
        socket.close()
        return
      }
      socket.send(piece(0, 'one\n')) // said again, as after a crash of the server
      socket.send(piece(4, 'two\n'))
      socket.send(JSON.stringify({ say: 'log.ended', watch: 1 }))
    })
    const { code, out, err } = await takt(['logs', '-f', '7'], { env: { TAKT_URL: api.url } })
    expect({ code, out, err }).toEqual({ code: exitCode, out: 'one\ntwo\n', err: `run 7 ${state}\n` })
    expect(heard).toEqual([
      { say: 'tail', watch: 1, run: 7, from: null },
      { say: 'tail', watch: 1, run: 7, from: { attempt: 1, ends: [[1, 4]] } },
    ])
  },
)

test('a reader that has seen enough is no failure', async () => {
  await using api = await fakeApi({ 'GET /api/v1/runs/7/log': { body: new Uint8Array(5_000_000) } })
  const child = startTakt(['logs', '7'], { env: { TAKT_URL: api.url } })
  child.stdout!.once('data', () => child.stdout!.destroy())
  const [err, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')])
  expect({ code, err }).toEqual({ code: 0, err: '' })
})
