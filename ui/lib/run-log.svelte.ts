import { createSubscriber } from 'svelte/reactivity'
import type { Live } from './live.svelte.ts'
import { LogLines, type LogLine } from './log-lines.ts'

const FRAME_MS = 60

/** The log of one run, growing while anybody looks at it; many pieces make one frame. */
export class RunLog {
  readonly #lines = new LogLines()
  #hasEnded = false
  #refusal: string | null = null
  readonly #subscribe: () => void

  constructor(live: Live, run: number) {
    this.#subscribe = createSubscriber((update) => {
      let frame: ReturnType<typeof setTimeout> | null = null
      const soon = () => {
        frame ??= setTimeout(() => {
          frame = null
          update()
        }, FRAME_MS)
      }
      const stop = live.tail({
        run,
        position: () => this.#lines.position,
        piece: (piece) => {
          this.#hasEnded = false
          this.#lines.add(piece)
          soon()
        },
        ended: () => {
          this.#hasEnded = true
          soon()
        },
        refused: (reason) => {
          this.#refusal = reason
          soon()
        },
      })
      return () => {
        stop()
        if (frame) clearTimeout(frame)
      }
    })
  }

  linesOf(step: number): readonly LogLine[] {
    this.#subscribe()
    return this.#lines.linesOf(step)
  }

  droppedOf(step: number): number {
    this.#subscribe()
    return this.#lines.droppedOf(step)
  }

  get total(): number {
    this.#subscribe()
    return this.#lines.total
  }

  /** The run is final and all of its log is here. */
  get hasEnded(): boolean {
    this.#subscribe()
    return this.#hasEnded
  }

  get refusal(): string | null {
    this.#subscribe()
    return this.#refusal
  }
}
