import type { Spot } from './line-graph.ts'

/** A part of a drawing, in its own pixels. */
export type Sight = {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}
/** How far something is scrolled, in whole steps: of less nobody needs to hear. */
export type Steps = { readonly left: number; readonly top: number }

/** Pixels of the screen. */
const STEP = 320
/** Drawings of at most so many nodes are drawn whole. */
export const FEW = 120

export const stepsOf = ({ scrollLeft, scrollTop }: Pick<Element, 'scrollLeft' | 'scrollTop'>): Steps => ({
  left: Math.floor(scrollLeft / STEP),
  top: Math.floor(scrollTop / STEP),
})

/** What can be seen until the next step in any direction, and one step more around it. */
export function sightOf(
  { left, top }: Steps,
  { width, height, scale }: { readonly width: number; readonly height: number; readonly scale: number },
): Sight {
  return {
    left: ((left - 1) * STEP) / scale,
    top: ((top - 1) * STEP) / scale,
    right: ((left + 2) * STEP + width) / scale,
    bottom: ((top + 2) * STEP + height) / scale,
  }
}

/** The nodes that are in sight; of a small drawing all of them. */
export function inSight<S extends Spot>(spots: readonly S[], sight: Sight, ofNodes: number): readonly S[] {
  return ofNodes <= FEW ? spots : spots.filter((spot) => meets(spot, sight))
}

const meets = ({ x, y, width, height }: Spot, { left, top, right, bottom }: Sight): boolean =>
  x < right && x + width > left && y < bottom && y + height > top

/** The box around two nodes, which a curve between them does not leave by much. */
export const around = (a: Spot, b: Spot): Spot => {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)]
  const [right, bottom] = [Math.max(a.x + a.width, b.x + b.width), Math.max(a.y + a.height, b.y + b.height)]
  return { key: `${a.key} ${b.key}`, x, y, width: right - x, height: bottom - y }
}
