import type { Runner } from './api.ts'

/** What a runner's word means, for who points at it. */
export const RUNNER_MEANINGS: Readonly<Record<Runner['state'], string>> = {
  idle: 'It is here and waits for work',
  busy: 'It carries out runs',
  degraded: 'Its engine is not well: it takes no work until it is',
  paused: 'A person wants it to take no work for now',
  draining: 'It takes no new work, and still carries out what it has',
  drained: 'It is empty and can be stopped',
  away: 'It is not connected',
}

/** `2 of 3 slots busy, grows to 8`. */
export function slotWords({
  busy,
  slots,
  slots_most,
}: Pick<Runner, 'busy' | 'slots' | 'slots_most'>): string {
  const words = `${busy} of ${slots} ${slots === 1 ? 'slot' : 'slots'} busy`
  return slots_most > slots ? `${words}, grows to ${slots_most}` : words
}

export const labelWords = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([label, value]) => (value === '' ? label : `${label}=${value}`))
    .join(', ') || 'none'
