/** On everything that a runner makes at its engine, so that a later life of it finds what is left. */
export const LABEL = {
  run: 'dev.takt.run',
  attempt: 'dev.takt.attempt',
  runner: 'dev.takt.runner',
  /** What it is, where it is not a run's own container: `holder`, `service`, `look`, `warm`. */
  part: 'dev.takt.part',
} as const
