import type { Fate } from './editor-api.ts'
import type { StepLook } from './state-words.ts'

/** What would become of a job, as it is said beside its mark; the server's words then say why. */
export const FATE_WORDS: Readonly<Record<Fate, string>> = {
  runs: 'would run',
  passed: 'passed through',
  manual: 'by hand',
  waits: 'would wait',
  stays: 'stays as it is',
}

/** As which state a fate is coloured. */
export const FATE_LOOKS: Readonly<Record<Fate, StepLook>> = {
  runs: 'running',
  passed: 'skipped',
  manual: 'allowed',
  waits: 'waiting',
  stays: 'cancelled',
}
