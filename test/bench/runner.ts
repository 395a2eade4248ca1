import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { pino } from 'pino'
import { Checkouts } from '../../runner/checkout.ts'
import { demux } from '../../runner/docker/demux.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { planOf, runStep } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { type Pair, report } from './dispatch.ts'
import { bareOptions, docker } from './floor.ts'
import { median } from './median.ts'

const ROUNDS = 12
const STEPS = 5
const IMAGE = 'takt-demo:1'
const COMMAND = 'echo here'
const never = new AbortController().signal
type DockerEngine = Awaited<ReturnType<typeof dockerEngine>>

/**
 * What the runner adds to the engine: one step beside a bare script that starts the same container for it; five steps beside
 * the best that a bare script can do, which is to execute them in a container that waits. All in turns, so that a busy machine
 * slows all of them.
 */
export async function measureRunner(): Promise<string[]> {
  await using engines = await startEngines()
  const one: Pair[] = []
  const cold: Pair[] = []
  const five: Pair[] = []
  for (let round = -1; round < ROUNDS; round++) {
    const floor = await bareStep()
    const best = await executed(STEPS)
    const warmOne = await throughTakt(engines.warm, 1)
    const warmFive = await throughTakt(engines.warm, STEPS)
    const coldOne = await throughTakt(engines.cold, 1)
    if (round < 0) continue // the first round fills what waits, and warms caches on both sides
    one.push({ takt: warmOne, floor })
    cold.push({ takt: coldOne, floor })
    five.push({ takt: warmFive, floor: best })
  }
  return [
    report('one step, its verdict known', one, 1.3),
    report('one step, with nothing made ahead of time', cold, 1.3),
    report('five steps, against five executed in a container that waits', five, 1.25),
    `each step: ${(median(five.map(({ takt }, round) => takt - (one[round]?.takt ?? 0))) / (STEPS - 1)).toFixed(1)} ms`,
  ]
}

async function startEngines() {
  const folder = await mkdtemp(join(tmpdir(), 'takt-bench-'))
  const log = pino({ level: 'warn' })
  const checkouts = new Checkouts(folder, { PATH: process.env['PATH'] ?? '' })
  const engine = (identity: string, warm: number) =>
    dockerEngine({ identity, checkouts, log, docker: { warm } }, AbortSignal.timeout(60_000))
  const warm = await engine(`bench-warm-${process.pid}`, 1)
  const cold = await engine(`bench-cold-${process.pid}`, 0)
  return {
    warm,
    cold,
    async [Symbol.asyncDispose]() {
      await Promise.all([warm.close(), cold.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** @returns Milliseconds from the plan until the last step's exit code is known. */
async function throughTakt(engine: DockerEngine, steps: number): Promise<number> {
  const list = Array.from({ length: steps }, (_, index) => runStep(index + 1, [COMMAND]))
  const plan = planOf([], { image: IMAGE, steps: list })
  const begin = performance.now()
  const workspace = await engine.open(plan, { signal: never, say: async () => {} })
  const shell = await workspace.shell(null, never)
  for (const { commands } of list) {
    const output = shell.run({ commands, env: {} }, never)
    let next = await output.next()
    while (!next.done) next = await output.next()
    if (next.value.exitCode !== 0) throw new Error(`a step ended with ${next.value.exitCode}`)
  }
  const tookMs = performance.now() - begin
  await workspace[Symbol.asyncDispose]()
  const { cells, holders } = engine.house
  if (engine.house.cells.size > 0) await until(() => cells.ready > 0 && holders.ready > 0)
  return tookMs
}

/** Create, attach, start, hand the shell one command, wait for its end. */
async function bareStep(): Promise<number> {
  await using at = await container()
  const begin = performance.now()
  await at.create()
  const stream = await at.attach()
  await at.start()
  stream.end(`${COMMAND}\n`)
  for await (const _bytes of demux(stream as never));
  await at.ended()
  return performance.now() - begin
}

/** Commands executed one after the other in a container that has been started before, each exit code asked for. */
async function executed(count: number): Promise<number> {
  await using at = await container()
  await at.create()
  const stream = await at.attach()
  await at.start()
  const begin = performance.now()
  for (let step = 0; step < count; step++) {
    const exec = await at.docker().exec({
      Cmd: ['/bin/sh', '-c', COMMAND],
      AttachStdout: true,
      AttachStderr: true,
    })
    for await (const _bytes of demux((await exec.start({})) as never));
    const { ExitCode } = await exec.inspect()
    if (ExitCode !== 0) throw new Error(`a command ended with ${ExitCode}`)
  }
  const tookMs = performance.now() - begin
  stream.end()
  return tookMs
}

async function container() {
  const name = `takt-floor-${process.pid}-${Math.random().toString(16).slice(2, 10)}`
  const made = (): Docker.Container => docker.getContainer(name)
  const attach = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
  return {
    docker: made,
    create: () => docker.createContainer(bareOptions(name)),
    attach: () => made().attach(attach),
    start: () => made().start(),
    ended: () => made().wait(),
    async [Symbol.asyncDispose]() {
      await made().remove({ force: true, v: true })
      await docker.getVolume(name).remove()
    },
  }
}
