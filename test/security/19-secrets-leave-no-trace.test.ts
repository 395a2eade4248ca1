import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { whyNoDocker } from '../engines/test-image.ts'
import { type Machine, machine } from '../support/machine.ts'
import { spellingsOf, standingBelow, standingIn } from '../support/traces.ts'
import { until } from '../support/until.ts'

const reason = await whyNoDocker()
const run = promisify(execFile)

const VALUE = 'correct-horse/battery+staple-77'
const LOGIN = 'robot:tr0ub4dor&3-and-more-of-it'
const SPELLINGS = [VALUE, LOGIN, LOGIN.slice(6)].flatMap(spellingsOf)
/** Stands where secrets must not: what finds this would find them. */
const CANARY = 'canary-of-the-line-31415'

const JUNIT =
  `<testsuite name='t'><testcase name='n'><failure message='$KEY'>$KEY</failure></testcase></testsuite>`.replaceAll(
    "'",
    "''",
  )
const FILE = `
resources:
  src: { git: . }
  other: { git: 'http://127.0.0.1:9/other.git', branch: main, login: LOGIN }
  image: { registry: '127.0.0.1:9/shop', login: LOGIN, check: 10s }
jobs:
  use:
    get: src
    when: push
    image: takt-demo:1
    secrets: [KEY]
    env: { CANARY: ${CANARY} }
    outputs: [leak, encoded]
    reports: { junit: out.xml }
    run:
      - 'echo "$KEY"; printf %s "$KEY" | base64; env'
      - 'i=0; while [ $i -lt 20 ]; do printf "%s" "$KEY"; i=$((i+1)); done; echo; echo "$KEY" >&2'
      - 'echo "leak=$KEY" >> "$TAKT_OUTPUT"; echo "encoded=$(printf %s "$KEY" | base64)" >> "$TAKT_OUTPUT"'
      - 'printf "%s" "${JUNIT}" > out.xml'
      - sleep 4
  broken: { get: src, when: push, image: takt-demo:1, secrets: [KEY], run: ['exec "/no/$KEY"'] }
  fetch: { get: { src: {}, other: {}, image: {} }, image: takt-demo:1, run: 'true' }
  late: { needs: use, image: takt-demo:1, run: 'echo "$USE_LEAK $USE_ENCODED"; env' }
`

/** What a machine tells and keeps, as its people could look at it. */
async function asker(house: Machine) {
  const url = (await readFile(join(house.dataDir, 'address'), 'utf8')).trim()
  const authorization = `Bearer ${(await readFile(join(house.dataDir, 'token'), 'utf8')).trim()}`
  const heard: string[] = []
  const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, { headers: { authorization } })
  socket.on('message', (words: Buffer) => heard.push(words.toString()))
  socket.on('open', () =>
    socket.send(JSON.stringify({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 })),
  )
  return {
    heard: () => heard.join('\n'),
    put: async (path: string, body: object) => {
      const headers = { authorization, 'content-type': 'application/json' }
      const answer = await fetch(url + path, { method: 'PUT', headers, body: JSON.stringify(body) })
      expect(answer.status).toBe(200)
    },
    text: async (path: string) => (await fetch(url + path, { headers: { authorization } })).text(),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

const processes = async () => (await run('ps', ['-eo', 'args', '-ww'], { maxBuffer: 2 ** 26 })).stdout
async function inspected(): Promise<string> {
  const { stdout } = await run('docker', [
    'ps',
    '--all',
    '--quiet',
    '--no-trunc',
    '--filter',
    'label=dev.takt.runner',
  ])
  const ids = stdout.split('\n').filter((id) => id !== '')
  const all = await Promise.all(
    // one that is removed meanwhile has nothing to tell
    ids.map(
      async (id) => (await run('docker', ['inspect', id], { maxBuffer: 2 ** 26 }).catch(() => null))?.stdout,
    ),
  )
  return all.join('\n')
}

test.skipIf(reason !== null)(
  `after runs that use a secret in every way, it stands nowhere: not on the disk, not in events, processes or containers${reason ? ` (skipped: ${reason})` : ''}`,
  async () => {
    await using house = await machine('docker')
    await using clone = await house.clone()
    using ask = await asker(house)
    await ask.put('/api/v1/projects/shop/secrets/KEY', { value: VALUE })
    await ask.put('/api/v1/organizations/default/secrets/LOGIN', { value: LOGIN })
    await clone.push({ '.takt.yml': FILE })

    const runs = async () =>
      (await house.ask('/api/v1/runs?limit=50')).items as { id: number; job: string; state: string }[]
    const seen: string[] = []
    const states: string[] = []
    const ended = (each: { state: string }) => ['succeeded', 'failed', 'errored'].includes(each.state)
    await until(
      async () => {
        // while they run, and not only after
        seen.push(await processes(), await inspected())
        const all = await runs()
        states.push(all.map(({ job, state }) => `${job} ${state}`).join(', '))
        return all.some(({ job, state }) => job === 'late' && state === 'succeeded') && all.every(ended)
      },
      { withinMs: 90_000, everyMs: 500 },
    ).catch((error: unknown) => {
      throw new Error(`the runs are: ${states.at(-1)}`, { cause: error })
    })
    expect(seen.filter((text) => text.includes('takt-demo')).length).toBeGreaterThan(1)
    expect(standingIn(seen.join('\n'), SPELLINGS)).toEqual([])

    const all = await runs()
    expect(Object.fromEntries(all.map(({ job, state }) => [job, state]))).toMatchObject({
      use: 'succeeded',
      broken: 'failed',
    })
    const told = await Promise.all(
      all.flatMap(({ id }) =>
        ['', '/log', '/tests', '/explain'].map((part) => ask.text(`/api/v1/runs/${id}${part}`)),
      ),
    )
    const lists = [
      '/runs',
      '/projects/shop/secrets',
      '/projects/shop/pipelines/main',
      '/projects/shop/pipelines/main/resources/other',
      '/projects/shop/pipelines/main/resources/image',
      '/deliveries',
      '/audit?limit=200',
    ]
    told.push(...(await Promise.all(lists.map((path) => ask.text(`/api/v1${path}`)))), ask.heard())
    expect(told.join('\n')).toContain('***')
    expect(ask.heard()).toContain('run.moved')
    const used = all.find(({ job }) => job === 'use')?.id
    expect(await ask.text(`/api/v1/runs/${used}/tests`)).toContain('***')
    expect(standingIn(told.join('\n'), SPELLINGS)).toEqual([])

    expect(await standingBelow(house.dataDir, [CANARY])).not.toEqual([])
    expect(await standingBelow(house.dataDir, SPELLINGS)).toEqual([])
  },
  240_000,
)

test('whoever looks like this finds a secret in every spelling, at every place of a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'takt-traces-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true }))
  const spellings = spellingsOf(VALUE)
  await mkdir(join(folder, 'below'))
  const around = Buffer.alloc(5 * 1024 * 1024, '.')
  for (const [at, text] of [...spellings, VALUE].entries())
    await writeFile(
      join(folder, 'below', String(at)),
      Buffer.concat([around.subarray(at), Buffer.from(text), around]),
    )
  for (const shift of [0, 1, 2])
    await writeFile(
      join(folder, `base64-${shift}`),
      Buffer.from(`${'y'.repeat(shift)}${VALUE}yyy`).toString('base64'),
    )
  const found = await standingBelow(folder, spellings)
  for (const text of spellings) expect(found.some((each) => each.startsWith(`${text} in `))).toBe(true)
  for (const shift of [0, 1, 2]) expect(found.some((each) => each.endsWith(`base64-${shift}`))).toBe(true)
})
