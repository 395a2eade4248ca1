import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Plan } from '#pipelines/wire/plan.ts'
import { Checkouts } from '../../runner/checkout.ts'
import type { Engine, ExitStatus, Output, Script, Workspace } from '../../runner/engine.ts'

export const log = pino({ level: 'silent' })
export const gitEnv = { PATH: process.env['PATH'] ?? '' }

/** What an engine of a test is made of; `folder` is the runner's own and is removed afterwards. */
export type Ground = {
  readonly identity: string
  readonly folder: string
  readonly checkouts: Checkouts
  readonly log: typeof log
}

export type Ran = { bytes: Buffer; text: string; events: Output[]; status: ExitStatus }

export async function groundOf(kind: string): Promise<Ground & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), `takt-${kind}-`))
  const dispose = () => rm(folder, { recursive: true, force: true })
  return {
    identity: `${kind}-${process.pid}-${Date.now()}`,
    folder,
    checkouts: new Checkouts(folder, gitEnv),
    log,
    [Symbol.asyncDispose]: dispose,
  }
}

export const open = (engine: Engine, plan: Plan, signal = new AbortController().signal): Promise<Workspace> =>
  engine.open(plan, { signal, say: async () => {} })

/** Run a step to its end. */
export async function collect(
  output: AsyncGenerator<Output, ExitStatus>,
  hear = (_text: string) => {},
): Promise<Ran> {
  const pieces: Uint8Array[] = []
  const events: Output[] = []
  let next = await output.next()
  for (; !next.done; next = await output.next()) {
    if (next.value.kind === 'bytes') {
      pieces.push(Uint8Array.from(next.value.bytes)) // good until more is asked for
      hear(Buffer.from(next.value.bytes).toString())
    } else events.push(next.value)
  }
  const bytes = Buffer.concat(pieces)
  return { bytes, text: bytes.toString(), events, status: next.value }
}

/** Begin commands in a shell of their own. */
export async function* begin(
  workspace: Workspace,
  script: readonly string[] | Script,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<Output, ExitStatus> {
  const shell = await workspace.shell(null, signal)
  return yield* shell.run('env' in script ? script : { commands: script, env: {} }, signal)
}

/** Open a workspace, run the plan's first step with the job's variables, and dispose of it. */
export async function runOnce(engine: Engine, plan: Plan): Promise<Ran> {
  await using workspace = await open(engine, plan)
  const [first] = plan.steps
  const { env } = plan
  const commands = first?.kind === 'run' ? first.commands : []
  return await collect(begin(workspace, { commands, env })) // before the workspace is disposed of
}
