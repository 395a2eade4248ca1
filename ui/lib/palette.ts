/** A colour of a terminal: one of the sixteen that the theme draws, or an exact one. */
export type Colour =
  { readonly name: number } | { readonly red: number; readonly green: number; readonly blue: number }

/** The colour of a number from 0 to 255: sixteen named ones, a cube of 216, and 24 greys. */
export function colourAt(index: number): Colour {
  const at = Math.max(0, Math.min(255, Math.trunc(index) || 0))
  if (at < 16) return { name: at }
  if (at >= 232) {
    const grey = 8 + (at - 232) * 10
    return { red: grey, green: grey, blue: grey }
  }
  const cube = at - 16
  return { red: level(Math.floor(cube / 36)), green: level(Math.floor(cube / 6) % 6), blue: level(cube % 6) }
}

const level = (step: number) => (step === 0 ? 0 : 55 + step * 40)

/** What CSS calls it. Exact colours are mixed towards the page's ink, so that they stay readable on light and on dark. */
export function cssInk(colour: Colour): string {
  if ('name' in colour) return `var(--ansi-${colour.name})`
  return `color-mix(in oklab, rgb(${colour.red} ${colour.green} ${colour.blue}) 72%, var(--ink))`
}

/** Papers are mixed thinly into the log's own: what is black on a coloured badge (`PASS`) is read there as the page's ink. */
export const cssInkOnPaper = (colour: Colour): string =>
  'name' in colour && colour.name % 8 === 0 ? 'var(--ink)' : cssInk(colour)

export function cssPaper(colour: Colour): string {
  if ('name' in colour) return `color-mix(in oklab, var(--ansi-${colour.name}) 32%, var(--log))`
  return `color-mix(in oklab, rgb(${colour.red} ${colour.green} ${colour.blue}) 40%, var(--log))`
}
