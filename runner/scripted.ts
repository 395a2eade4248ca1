import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import tar from 'tar-stream'
import { EngineError, exited } from './engine.ts'
import type { Engine, ExitStatus, Output, Script, Workspace } from './engine.ts'

/**
 * An engine without machines, for tests and scenarios: commands are words that it acts out, the same way every time.
 *
 * `say <text>` · `bytes <n>` (that many bytes of output) · `env <name>` (says that variable) · `put <key=value>` (a line for `$TAKT_OUTPUT`) ·
 * `state` (something for the next run) · `sleep <ms>` · `fail <code>` · `fail-first <n> <code>` (a step's first tries) · `break`
 * (the engine fails) · `hang` (until stopped); everything else is echoed and succeeds.
 */
export function scriptedEngine(): Engine {
  return {
    kind: 'scripted',
    isolated: true,
    words: 'scripted, for tests',
    open: async (_plan, { signal, say }) => {
      signal.throwIfAborted()
      await say('Engine: scripted\n')
      return new Stage()
    },
    sweep: async () => {},
    close: async () => {},
  }
}

class Stage implements Workspace {
  readonly root = '/takt'
  #output = ''
  #state = false
  readonly #tries = new Map<string, number>()

  async shell() {
    return { usable: true, run: (script: Script, signal: AbortSignal) => this.#perform(script, signal) }
  }

  /** It has no files, but what `put` and `state` leave goes over to another stage. */
  async read(path: string): Promise<Readable | null> {
    const text = path === 'output' ? this.#output : path === 'state' && this.#state ? 'something' : ''
    if (text === '') return null
    const pack = tar.pack()
    pack.entry({ name: path }, text)
    pack.finalize()
    return Readable.from(pack, { objectMode: false })
  }

  async write(): Promise<void> {}

  async restore(from: Readable): Promise<void> {
    const entries = from.pipe(tar.extract() as unknown as NodeJS.ReadWriteStream) as unknown as tar.Extract
    for await (const entry of entries) {
      const text = Buffer.concat(await Array.fromAsync(entry as AsyncIterable<Buffer>)).toString()
      if (entry.header.name === 'output') this.#output = text
      else if (entry.header.name === 'state') this.#state = true
    }
  }

  async usage() {
    return { peakMemoryBytes: null, cpuMs: null }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async *#perform({ commands, env }: Script, signal: AbortSignal): AsyncGenerator<Output, ExitStatus> {
    for (const [command, text] of commands.entries()) {
      signal.throwIfAborted()
      yield { kind: 'command.started', command }
      const exitCode = yield* this.#act(text, { env, signal })
      yield { kind: 'command.ended', command, exitCode }
      if (exitCode !== 0) return this.#status(exitCode)
    }
    return this.#status(0)
  }

  #status(exitCode: number): ExitStatus {
    return { ...exited(exitCode), output: this.#output || null, stateTouched: this.#state }
  }

  async *#act(
    text: string,
    { env, signal }: { env: Script['env']; signal: AbortSignal },
  ): AsyncGenerator<Output, number> {
    const [verb = '', ...rest] = text.split(' ')
    const value = rest.join(' ')
    if (verb === 'fail') return Number(value) || 1
    if (verb === 'fail-first') return this.#failFirst(text, rest)
    if (verb === 'break') throw new EngineError('engine_unavailable', 'The script told the engine to break.')
    if (verb === 'put') this.#output += `${value}\n`
    else if (verb === 'state') this.#state = true
    else if (verb === 'sleep') await wait(Number(value), signal)
    else if (verb === 'hang') await wait(2 ** 30, signal)
    else if (verb === 'bytes') yield* bytes(Number(value))
    else if (verb === 'env') yield said(env[value] ?? '')
    else yield said(verb === 'say' ? value : text)
    return 0
  }

  #failFirst(text: string, [times = '', code = '']: readonly string[]): number {
    const tries = (this.#tries.get(text) ?? 0) + 1
    this.#tries.set(text, tries)
    return tries <= Number(times) ? Number(code) || 1 : 0
  }
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
