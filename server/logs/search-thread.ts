import { parentPort, workerData } from 'node:worker_threads'
import { LineFinder, type Pattern } from './line-finder.ts'
import { opened } from './piece.ts'

/** Pieces of one step's log in their order, as they are stored; `last` where no more of the step will come. */
export type Batch = {
  readonly pieces: readonly {
    readonly first_line: number
    readonly bytes: Uint8Array
    readonly raw_bytes: number | null
    readonly raw_lines: number | null
  }[]
  /** The number of the step's last line, where that has no end. */
  readonly last: number | null
}

/*
 * The thread that searches: what people look for are regular expressions, of which one may run for ever. Here it keeps nobody waiting
 * but whoever asked for it, and is ended from outside.
 */
const pattern: Pattern = workerData
let finder = new LineFinder(pattern)

parentPort?.on('message', ({ pieces, last }: Batch) => {
  const found: number[] = []
  for (const { first_line, bytes, ...counts } of pieces) {
    const text = opened({ ...counts, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) })
    found.push(...finder.add(text.toString('utf8'), first_line))
  }
  if (last !== null) {
    found.push(...finder.rest(last))
    finder = new LineFinder(pattern)
  }
  parentPort?.postMessage(found)
})
