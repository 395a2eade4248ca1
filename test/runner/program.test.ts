import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { marked } from '../../runner/local/processes.ts'
import { FakeServer, TOKEN } from './fake-server.ts'
import { planOf } from './plans.ts'
import { until } from '../support/until.ts'

const MAIN = fileURLToPath(new URL('../../runner/main.ts', import.meta.url))
let folder: string
let server: FakeServer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'takt-program-'))
  server = await FakeServer.listen()
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** The runner as a process of its own, as it is in life. */
function start(env: Record<string, string> = {}) {
  const settings = {
    TAKT_SERVER: `http://127.0.0.1:${server.port}`,
    TAKT_RUNNER_TOKEN: TOKEN,
    TAKT_ENGINE: 'local',
    TAKT_SLOTS: '2',
    TAKT_DATA: folder,
    TAKT_RUNNER_NAME: `program-${process.pid}`,
  }
  const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'], ...settings, ...env } })
  let output = ''
  const keep = (text: string) => (output += text)
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const exitCode = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const dispose = async () => {
    child.kill('SIGKILL')
    await exitCode
  }
  return { child, exitCode, output: () => output, [Symbol.asyncDispose]: dispose }
}

const welcomed = () => until(() => server.said.some(({ say }) => say === 'ready'))

describe('the runner program', () => {
  test('runs a plan with real processes and says that there is no isolation', async () => {
    await using runner = start()
    await welcomed()
    const plan = planOf(['echo hello', 'exit 3'])
    server.give(plan)
    await until(() => server.end(plan.run))
    expect(server.end(plan.run)).toMatchObject({ move: 'fail', error: null })
    expect(server.log(plan.run).toString()).toBe('hello\n')
    expect(server.log(plan.run, 0).toString()).toMatch(
      /^There is no isolation: commands run as \S+ on \S+\.$/m,
    )
    expect(runner.output()).not.toContain(TOKEN)
  })

  test('keeps its token and its settings from the commands', async () => {
    await using _runner = start()
    await welcomed()
    const plan = planOf(['env', 'cat /proc/self/environ'])
    server.give(plan)
    await until(() => server.end(plan.run))
    expect(server.log(plan.run).toString()).not.toMatch(/TAKT_RUNNER_TOKEN|TAKT_SERVER/)
  })

  test('a run that takes too long fails with a timeout', async () => {
    await using _runner = start()
    await welcomed()
    const plan = planOf(['sleep 300'], { timeoutMs: 300 })
    server.give(plan)
    await until(() => server.end(plan.run))
    const error = { code: 'timeout', message: 'The run took longer than the 0.3 s it has.' }
    expect(server.end(plan.run)).toMatchObject({ move: 'fail', error })
    expect(server.entries(plan.run).at(-2)).toMatchObject({
      kind: 'step.ended',
      step: 1,
      state: 'failed',
      exitCode: null,
    })
  })

  test('on SIGTERM what runs is finished and heard, nothing more is asked for, and the end is good', async () => {
    await using runner = start()
    await welcomed()
    const plan = planOf(['echo up; sleep 0.3; echo down'])
    server.give(plan)
    await until(() => server.log(plan.run).length > 0)
    runner.child.kill('SIGTERM')
    expect(await runner.exitCode).toBe(0)
    expect(server.log(plan.run).toString()).toBe('up\ndown\n')
    expect(server.end(plan.run)).toMatchObject({ move: 'succeed' })
    expect(server.said.filter(({ say }) => say === 'ready').slice(1)).toEqual([
      { say: 'ready', slots: 0, taken: 1 },
      { say: 'ready', slots: 0, taken: 1 },
    ])
  })

  test('on a second signal running work is killed at once, and its end is told', async () => {
    await using runner = start()
    await welcomed()
    const plan = planOf(['trap "" TERM; echo up; sleep 300'])
    server.give(plan)
    await until(() => server.log(plan.run).length > 0)
    runner.child.kill('SIGTERM')
    await until(() => server.said.filter(({ say }) => say === 'ready').length === 2)
    runner.child.kill('SIGINT')
    expect(await runner.exitCode).toBe(1)
    expect(server.end(plan.run)).toMatchObject({ move: 'break', error: { code: 'runner_stopped' } })
  })

  test('what a killed runner left is gone when it comes back', async () => {
    const before = start()
    await welcomed()
    server.give(planOf(['setsid sleep 300 & sleep 300 & echo up; sleep 300']))
    await until(() =>
      [...server.reports.values()].flat().some(({ entry }) => entry.kind === 'log' && entry.step === 1),
    )
    before.child.kill('SIGKILL')
    await before.exitCode
    const prefix = `program-${process.pid}.`
    expect((await marked(prefix)).length).toBeGreaterThan(1)
    await using _after = start()
    await until(() => server.said.filter(({ say }) => say === 'hello').length === 2)
    expect(await marked(prefix)).toEqual([])
    expect(await readdir(join(folder, 'runner', 'runs'))).toEqual([])
  })

  test('a second runner of the same folder waits until the first is gone', async () => {
    const first = start()
    await welcomed()
    const plan = planOf(['echo up; sleep 0.5; echo down'])
    server.give(plan)
    await until(() => server.log(plan.run).length > 0)
    await using second = start()
    await until(() => second.output().includes('folder.taken'))
    await until(() => server.end(plan.run))
    expect(server.log(plan.run).toString()).toBe('up\ndown\n')
    first.child.kill('SIGKILL')
    await until(() => server.said.filter(({ say }) => say === 'hello').length === 2)
    second.child.kill('SIGTERM')
    expect(await second.exitCode).toBe(0)
  })

  test('wrong settings are all named, and the exit code is 2', async () => {
    await using runner = start({ TAKT_SLOTS: 'many', TAKT_SERVER: '' })
    expect(await runner.exitCode).toBe(2)
    expect(runner.output()).toMatch(/TAKT_SERVER[^]*TAKT_SLOTS/)
  })

  test('a refusal ends it with 2 and the server’s sentence', async () => {
    server.refusal = 'This server speaks dialect 7.'
    await using runner = start()
    expect(await runner.exitCode).toBe(2)
    expect(runner.output()).toContain('This server speaks dialect 7.')
  })
})
