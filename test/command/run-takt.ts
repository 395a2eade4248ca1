import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TAKT = join(ROOT, 'server/command/takt.ts')

export type Outcome = { readonly code: number | null; readonly out: string; readonly err: string }
type Options = { readonly cwd?: string; readonly env?: Record<string, string> }

/** A command of its own process, with no setting but those given and no server of this machine in sight. */
export function startTakt(args: readonly string[], { cwd = tmpdir(), env = {} }: Options = {}): ChildProcess {
  const bare = { PATH: process.env['PATH'] ?? '', TAKT_DATA: '/nowhere', TAKT_URL: 'http://127.0.0.1:9' }
  const given = Object.entries({ ...bare, ...env }).filter(([, value]) => value !== '')
  return spawn(process.execPath, [TAKT, ...args], { cwd, env: Object.fromEntries(given) })
}

export async function takt(args: readonly string[], options?: Options): Promise<Outcome> {
  return outcomeOf(startTakt(args, options))
}

export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const [[code], out, err] = await Promise.all([
    once(child, 'exit'),
    text(child.stdout!),
    text(child.stderr!),
  ])
  return { code: code as number | null, out, err }
}

export async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'takt-command-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
