import { layOut } from './line-graph.ts'
import type { LineShape } from './line-shape.ts'

/** Draws lines beside the page, which stays free meanwhile: a large one takes seconds. */
addEventListener('message', ({ data }: MessageEvent<LineShape>) => postMessage(layOut(data)))
