import { colourAt, type Colour } from './palette.ts'

/** How text looks at one point of a terminal's output. Frozen values: a line remembers the style it begins with. */
export type Style = {
  readonly ink: Colour | null
  readonly paper: Colour | null
  readonly bold: boolean
  readonly dim: boolean
  readonly italic: boolean
  readonly underline: boolean
  readonly strike: boolean
  readonly inverse: boolean
  /** The target of an OSC 8 link, http or https only. */
  readonly link: string | null
}

export type Span = { readonly text: string; readonly style: Style }

export const PLAIN: Style = Object.freeze({
  ink: null,
  paper: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
  link: null,
})

/**
 * One line of terminal output as spans of plain text, and the style the next line begins with.
 *
 * Understands SGR (`ESC [ … m`) and OSC 8 links; a carriage return starts the line over, as a progress bar does. Every other
 * escape and control character is dropped, cut ones included, so that nothing but text is ever left; letters that nobody sees
 * are shown by their numbers.
 */
export function spansOf(line: string, from: Style = PLAIN): { spans: Span[]; end: Style } {
  const spans: Span[] = []
  let style = from
  const text = withoutReturnAtEnd(line)
  for (const token of text.matchAll(TOKEN)) {
    const [whole] = token
    if (token.groups?.text !== undefined) spans.push({ text: whole.replace(UNSEEN, byNumber), style })
    else if (whole === '\r') spans.length = 0
    else style = restyled(style, token)
  }
  return { spans, end: style }
}

/** The style behind a line; cheap where the line holds no escape at all. */
export const styleAfter = (line: string, from: Style): Style =>
  line.includes('\u001b') ? spansOf(line, from).end : from

/** The line as a reader sees it, without any styling: for tooltips, searches and tests. */
export const plainText = (line: string): string =>
  spansOf(line)
    .spans.map((span) => span.text)
    .join('')

/** Letters that turn the direction of reading or take no room: with them a line can read otherwise than it is. Joiners are in words. */
const UNSEEN = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g
const byNumber = (letter: string) => `⟨U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`

const ESC = '\\u001b'
/** Text, or one escape: CSI, OSC (ended by BEL or ST), the other strings, a two-character escape, or a control character. */
const TOKEN = new RegExp(
  [
    '(?<text>[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]+)',
    `${ESC}\\[(?<csi>[0-9:;<=>?]*)[ -/]*(?<final>[@-~])`,
    `${ESC}\\](?<osc>[^\\u0007\\u001b]*)(?:\\u0007|${ESC}\\\\)`,
    `${ESC}[PX^_][^\\u001b]*(?:${ESC}\\\\)?`,
    `${ESC}[\\[\\]][^\\u0007\\u001b]*$`,
    `${ESC}[ -/]*[0-~]?`,
    '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]',
  ].join('|'),
  'gu',
)

function restyled(style: Style, token: RegExpExecArray): Style {
  const { csi, final, osc } = token.groups ?? {}
  if (final === 'm' && csi !== undefined && /^[\d:;]*$/.test(csi)) return selectGraphics(style, csi)
  if (osc?.startsWith('8;')) return { ...style, link: webAddress(osc.slice(osc.indexOf(';', 2) + 1)) }
  return style
}

/** Select Graphic Rendition: `31`, `1;32`, `38;5;208`, `38;2;255;128;0` and their colon forms. */
function selectGraphics(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number)
  let next = style
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 38 || code === 48) {
      const { colour, used } = extendedColour(codes.slice(at + 1), parameters.includes(':'))
      if (colour) next = code === 38 ? { ...next, ink: colour } : { ...next, paper: colour }
      at += used
    } else next = graphics(next, code)
  }
  return next
}

function graphics(style: Style, code: number): Style {
  if (code === 0) return { ...PLAIN, link: style.link }
  if (code >= 30 && code <= 37) return { ...style, ink: colourAt(code - 30) }
  if (code >= 40 && code <= 47) return { ...style, paper: colourAt(code - 40) }
  if (code >= 90 && code <= 97) return { ...style, ink: colourAt(code - 90 + 8) }
  if (code >= 100 && code <= 107) return { ...style, paper: colourAt(code - 100 + 8) }
  return { ...style, ...SIMPLE[code] }
}

const SIMPLE: Readonly<Record<number, Partial<Style>>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { ink: null },
  49: { paper: null },
}

/** The colour behind a 38 or 48, and how many codes it took; the colon form may name a colour space first. */
function extendedColour(codes: readonly number[], colons: boolean): { colour: Colour | null; used: number } {
  if (codes[0] === 5) return { colour: colourAt(codes[1] ?? 0), used: 2 }
  if (codes[0] !== 2) return { colour: null, used: codes.length }
  const skip = colons && codes.length >= 5 ? 2 : 1
  const [red = 0, green = 0, blue = 0] = codes.slice(skip, skip + 3).map((part) => Math.min(255, part))
  return { colour: { red, green, blue }, used: skip + 2 + 1 }
}

function webAddress(target: string): string | null {
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? target : null
}

/** A carriage return right before the line's end erases nothing: `\r\n` is one line end, and a bar rests on its last state. */
const withoutReturnAtEnd = (line: string) => (line.endsWith('\r') ? line.replace(/\r+$/, '') : line)
