import type { LineGraph } from './line-graph.ts'
import type { LineShape } from './line-shape.ts'

/** Longer than this nobody waits for a drawing; the list has it all. */
const MOST_MS = 20_000

/** The drawing of a line, made in a thread of its own; made anew only where the shape changed. */
export class Layout {
  #graph = $state.raw<LineGraph | null>(null)
  #failed = $state(false)
  #worker: Worker | null = null
  #drawn = ''

  /** The newest drawing; of a shape that changed the one before, until the new one is there. */
  get graph(): LineGraph | null {
    return this.#graph
  }

  get failed(): boolean {
    return this.#failed
  }

  draw(shape: LineShape): void {
    const text = JSON.stringify(shape)
    if (text === this.#drawn) return
    this.#drawn = text
    this.stop()
    const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })
    const tooLong = setTimeout(() => this.#end(worker, null), MOST_MS)
    worker.addEventListener('message', ({ data }: MessageEvent<LineGraph>) => {
      clearTimeout(tooLong)
      this.#end(worker, data)
    })
    worker.addEventListener('error', () => this.#end(worker, null))
    worker.postMessage(shape)
    this.#worker = worker
  }

  stop(): void {
    this.#worker?.terminate()
    this.#worker = null
  }

  #end(worker: Worker, graph: LineGraph | null): void {
    if (worker !== this.#worker) return
    this.stop()
    this.#failed = graph === null
    if (graph) this.#graph = graph
  }
}
