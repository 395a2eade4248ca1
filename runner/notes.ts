import type { Usage } from './engine.ts'
import type { Token } from './marks.ts'

/** More than this in `$TAKT_OUTPUT` is no value for anybody. */
const MOST_OUTPUT_BYTES = 1_000_000

/** How often the kernel ended a process for want of memory, and refused to make one. */
export type Counted = { readonly oom: number; readonly pids: number }

/** What a shell says behind a step, gathered: the output file's content, whether there is state, numbers of the kernel. */
export class Notes {
  readonly #values = new Map<string, number>()
  #pieces: Uint8Array[] = []
  #bytes = 0

  add({ name, value }: Extract<Token, { kind: 'note' }>): void {
    this.#values.set(name, value)
  }

  /** @returns Whether the bytes belong to the output file, and not to the log. */
  take(bytes: Uint8Array): boolean {
    if (this.#values.get('out') !== 1) return false
    if (this.#bytes < MOST_OUTPUT_BYTES) this.#pieces.push(Uint8Array.from(bytes))
    this.#bytes += bytes.length
    return true
  }

  /** What stood in the output file, at most a million bytes of it; null where nothing did. */
  get output(): string | null {
    if (!this.#values.has('out')) return null
    return Buffer.concat(this.#pieces).subarray(0, MOST_OUTPUT_BYTES).toString()
  }

  get stateTouched(): boolean {
    return this.#values.get('state') === 1
  }

  /** Zero where the kernel told nothing. */
  get counted(): Counted {
    return { oom: this.#values.get('oom') ?? 0, pids: this.#values.get('pids') ?? 0 }
  }

  /** Whether the shell itself was asked to end: by who ends its container, or by the step's own commands. */
  get terminated(): boolean {
    return this.#values.get('term') === 1
  }

  get taken(): Usage {
    const [usec, nsec] = [this.#values.get('usec'), this.#values.get('nsec')]
    const cpuMs = usec === undefined ? nsec && nsec / 1e6 : usec / 1e3
    return {
      peakMemoryBytes: this.#values.get('peak') ?? null,
      cpuMs: cpuMs === undefined ? null : Math.round(cpuMs),
    }
  }
}
