import type { RunLook } from './state-words.ts'

/** The tab's icon: the house's own, or a state's shape and colour; colours that hold on light and dark tabs alike. */
export function iconAddress(look: RunLook | null): string {
  const drawn = look ? SHAPES[look] : null
  if (!drawn) return '/favicon.svg'
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${drawn}</svg>`)}`
}

const line = (d: string, colour: string, width: number) =>
  `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`
const ring = (colour: string, dashes = '') =>
  `<circle cx="8" cy="8" r="6" fill="none" stroke="${colour}" stroke-width="2.6" ${dashes}/>`

const AMBER = `<path d="M8 .8 16 15H0Z" fill="#d08a1d"/>${line('M8 6v4M8 12.4v.1', '#fff', 2)}`

const SHAPES: Readonly<Record<RunLook, string>> = {
  allowed: AMBER,
  flawed: AMBER,
  succeeded: `<circle cx="8" cy="8" r="8" fill="#1f9d6b"/>${line('M4.4 8.4 7 11 11.8 5.4', '#fff', 2.2)}`,
  failed: `<rect width="16" height="16" rx="4" fill="#d8412a"/>${line('M5 5 11 11M11 5 5 11', '#fff', 2.2)}`,
  errored: `<path d="M8 0 16 8 8 16 0 8Z" fill="#a04fd0"/>${line('M9 4 6.4 8.3H9.6L7.2 12', '#fff', 1.8)}`,
  running: `${ring('#4c96e8', 'stroke-dasharray="26 12"')}<circle cx="8" cy="8" r="2.6" fill="#4c96e8"/>`,
  waiting: line('M4 2h8M4 14h8M5 2c0 3.4 6 8.6 6 12M11 2c0 3.4-6 8.6-6 12', '#b3951f', 2.2),
  queued: ring('#918778', 'stroke-dasharray="3 2.6"'),
  cancelled: `${ring('#918778')}${line('M4 12 12 4', '#918778', 2.6)}`,
  skipped: line('M3 4l4 4-4 4M8.5 4l4 4-4 4', '#918778', 2.4),
}
