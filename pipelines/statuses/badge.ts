import type { Verdict } from './verdict.ts'

/** What a badge says: the five states that somebody tells apart from afar, and a word for each. */
export type BadgeLook = {
  readonly state: 'green' | 'red' | 'amber' | 'running' | 'none'
  readonly word: string
}

export function badgeLook(verdict: Verdict): BadgeLook {
  switch (verdict) {
    case 'succeeded':
      return { state: 'green', word: 'passing' }
    case 'allowed':
      return { state: 'amber', word: 'failure allowed' }
    case 'failed':
      return { state: 'red', word: 'failing' }
    case 'errored':
      return { state: 'red', word: 'broken' }
    case 'cancelled':
      return { state: 'red', word: 'cancelled' }
    case 'running':
      return { state: 'running', word: 'running' }
    case 'queued':
      return { state: 'running', word: 'queued' }
    case 'waiting':
      return { state: 'running', word: 'waiting' }
    case 'skipped':
      return { state: 'none', word: 'no runs' }
  }
}

/** White letters are legible on each of them: the contrast is above 4.5. */
const COLOURS: Readonly<Record<BadgeLook['state'], string>> = {
  green: '#2a7d37',
  red: '#c02b2b',
  amber: '#8f6200',
  running: '#1c62b8',
  none: '#5f6368',
}
const MOST_LETTERS = 60
const LETTER_PX = 6.6
const PADDING_PX = 10

/**
 * A badge as an SVG image: what it is about on the left, how that stands on the right. Browsers fit the letters to the width that is
 * worked out here, whatever font they have.
 */
export function drawBadge(about: string, { state, word }: BadgeLook): string {
  const letters = [...about]
  const label = letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join('')}…` : about
  const [left, right] = [widthOf(label), widthOf(word)]
  const title = xmlText(`${about}: ${word}`)
  const text = (words: string, from: number, width: number) =>
    `<text x="${from + width / 2}" y="14" textLength="${width - PADDING_PX}" lengthAdjust="spacingAndGlyphs">${xmlText(words)}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${title}"><title>${title}</title>
<clipPath id="round"><rect width="${left + right}" height="20" rx="3"/></clipPath>
<g clip-path="url(#round)"><rect width="${left}" height="20" fill="#444"/><rect x="${left}" width="${right}" height="20" fill="${COLOURS[state]}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${text(label, 0, left)}${text(word, left, right)}</g>
</svg>
`
}

const widthOf = (words: string) => Math.ceil([...words].length * LETTER_PX) + PADDING_PX

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text for XML, in an element or an attribute. What XML 1.0 has no place for becomes the replacement character. */
export const xmlText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
