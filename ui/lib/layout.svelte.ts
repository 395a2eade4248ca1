import type { LineGraph } from './line-graph.ts'
import type { LineShape } from './line-shape.ts'

/** Longer than this nobody waits for a drawing; the list has it all. */
const MOST_MS = 20_000
const MOST_KEPT = 8

/** The drawings made last, by what they are of: who comes back to a line from one of its runs sees it at once. */
const kept = new Map<string, LineGraph>()
/** A thread that is there before its line is. */
let spare: Worker | null = null

const newThread = () => new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' })

/** Something will be drawn as soon as it is known. */
export const prepareToDraw = (): void => void (spare ??= newThread())

function keep(text: string, graph: LineGraph): void {
  kept.delete(text)
  kept.set(text, graph)
  for (const oldest of [...kept.keys()].slice(0, -MOST_KEPT)) kept.delete(oldest)
}

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
    const known = kept.get(text)
    if (known) return this.#show(known)
    const worker = spare ?? newThread()
    spare = null
    const tooLong = setTimeout(() => this.#end(worker, null), MOST_MS)
    worker.addEventListener('message', ({ data }: MessageEvent<LineGraph>) => {
      clearTimeout(tooLong)
      keep(text, data)
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
    if (graph) this.#show(graph)
    else this.#failed = true
  }

  #show(graph: LineGraph): void {
    this.#failed = false
    this.#graph = graph
  }
}
