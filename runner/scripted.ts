import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError, exited } from './engine.ts'
import type { Engine, ExitStatus, Output } from './engine.ts'

/**
 * An engine without machines, for tests and scenarios: commands are words that it acts out, the same way every time.
 *
 * `say <text>` · `env <name>` (says that variable) · `bytes <n>` (that many bytes of output) · `sleep <ms>` · `fail <code>` · `break` (the engine fails) · `hang`
 * (until stopped); everything else is echoed and succeeds.
 */
export function scriptedEngine(): Engine {
  return {
    kind: 'scripted',
    isolated: true,
    words: 'scripted, for tests',
    open: async ({ env }, { signal, say }) => {
      signal.throwIfAborted()
      await say('Engine: scripted\n')
      return {
        root: '/takt',
        shell: async () => ({ run: ({ commands }, stopped) => perform(commands, { env, signal: stopped }) }),
        read: async () => null,
        write: async () => {},
        usage: async () => ({ peakMemoryBytes: null, cpuMs: null }),
        [Symbol.asyncDispose]: async () => {},
      }
    },
    sweep: async () => {},
  }
}

type Stage = { readonly env: Readonly<Record<string, string>>; readonly signal: AbortSignal }

async function* perform(commands: readonly string[], at: Stage): AsyncGenerator<Output, ExitStatus> {
  for (const [command, text] of commands.entries()) {
    at.signal.throwIfAborted()
    yield { kind: 'command.started', command }
    const exitCode = yield* act(text, at)
    yield { kind: 'command.ended', command, exitCode }
    if (exitCode !== 0) return exited(exitCode)
  }
  return exited(0)
}

async function* act(text: string, { env, signal }: Stage): AsyncGenerator<Output, number> {
  const [verb = '', ...rest] = text.split(' ')
  const value = rest.join(' ')
  if (verb === 'fail') return Number(value) || 1
  if (verb === 'break') throw new EngineError('engine_unavailable', 'The script told the engine to break.')
  if (verb === 'sleep') await wait(Number(value), signal)
  else if (verb === 'hang') await wait(2 ** 30, signal)
  else if (verb === 'env') yield said(env[value] ?? '')
  else if (verb === 'bytes') yield* bytes(Number(value))
  else yield said(verb === 'say' ? value : text)
  return 0
}

const wait = (ms: number, signal: AbortSignal) =>
  sleep(ms, undefined, { signal }).catch(() => {
    throw signal.reason
  })

const said = (text: string): Output => ({ kind: 'bytes', bytes: Buffer.from(`${text}\n`) })

function* bytes(count: number): Generator<Output> {
  const line = Buffer.from('0123456789abcdef'.repeat(7).slice(0, 99) + '\n')
  for (let left = count; left > 0;) {
    const piece = Buffer.alloc(Math.min(left, 65_536), line)
    left -= piece.length
    yield { kind: 'bytes', bytes: piece }
  }
}
