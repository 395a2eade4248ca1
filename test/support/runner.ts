import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { House } from './server.ts'

/** A runner as a process of its own; the scripted engine unless another is asked for. */
export type Runner = AsyncDisposable & {
  readonly process: ChildProcess
  readonly dataDir: string
  output(): string
  kill(signal: NodeJS.Signals): Promise<void>
}

type Options = {
  engine?: string
  name?: string
  slots?: number | string
  idle?: string
  env?: Record<string, string>
  labels?: string
  token?: string
  dataDir?: string
}

export async function startRunner(
  house: Pick<House, 'url' | 'runnerToken'>,
  options: Options = {},
): Promise<Runner> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'takt-runner-')))
  const env = {
    PATH: process.env['PATH'],
    TAKT_SERVER: house.url,
    TAKT_RUNNER_TOKEN: options.token ?? house.runnerToken,
    TAKT_ENGINE: options.engine ?? 'scripted',
    TAKT_RUNNER_NAME: options.name ?? 'test',
    TAKT_SLOTS: String(options.slots ?? 2),
    TAKT_LABELS: options.labels,
    TAKT_WARM: '0', // a killed runner of a test has no next life that would sweep what waited
    TAKT_DATA: dataDir,
    ...(options.idle === undefined ? {} : { TAKT_IDLE: options.idle }),
    ...options.env,
  }
  const child = spawn(process.execPath, ['runner/main.ts'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (words: Buffer) => (said += words.toString()))
  child.stderr.on('data', (words: Buffer) => (said += words.toString()))
  const ended = once(child, 'exit')
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended
  }
  return {
    process: child,
    dataDir,
    output: () => said,
    kill,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await kill('SIGKILL')
      if (!options.dataDir) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
