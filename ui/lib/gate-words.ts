import type { Gate } from './api.ts'
import type { StepLook } from './state-words.ts'

const KINDS: Readonly<Record<Gate['kind'], string>> = {
  approve: 'Gate',
  wait: 'Wait',
  call: 'Call',
  trigger: 'Trigger',
}

const WORDS: Readonly<Record<Gate['state'], string>> = {
  waiting: 'waits',
  approved: 'approved',
  rejected: 'rejected',
  expired: 'nobody decided in time',
  passed: 'what it waited for came',
  skipped: 'passed over',
  withdrawn: 'the run ended meanwhile',
  failed: 'did not come to what it was for',
}

const LOOKS: Readonly<Record<Gate['state'], StepLook>> = {
  ...{ waiting: 'waiting', approved: 'succeeded', passed: 'succeeded', rejected: 'failed', failed: 'failed' },
  ...{ expired: 'failed', skipped: 'unreached', withdrawn: 'cancelled' },
}

/** What a gate is called, with the name that its file gives it. */
export const gateTitle = ({ kind, name }: Pick<Gate, 'kind' | 'name'>): string =>
  `${KINDS[kind]}${name === kind ? '' : ` “${name}”`}`

/** What became of a gate, and by whom; of an open one what it waits for. */
export function gateWords({ state, words, decisions }: Pick<Gate, 'state' | 'words' | 'decisions'>): string {
  if (state === 'waiting') return words
  const who = decisions.map(({ by }) => by).join(', ')
  return who !== '' && (state === 'approved' || state === 'rejected')
    ? `${WORDS[state]} by ${who}`
    : WORDS[state]
}

export const gateLook = (state: Gate['state']): StepLook => LOOKS[state]
