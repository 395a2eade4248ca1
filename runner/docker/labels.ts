/** On everything that a runner makes at its engine, so that a later life of it finds what is left. */
export const LABEL = {
  run: 'dev.takt.run',
  attempt: 'dev.takt.attempt',
  runner: 'dev.takt.runner',
  /** Which life of the runner made it: a sweep leaves alone what its own life made, for a run or ahead of time. */
  life: 'dev.takt.life',
  /** What it is, where it is not a run's own container: `holder`, `service`, `look`, `warm`. */
  part: 'dev.takt.part',
} as const

/** Who makes something: the runner, and which of its lives. */
export type Maker = { readonly runner: string; readonly life: string }

export const labelsOf = ({ runner, life }: Maker, part: string | null): Record<string, string> => ({
  [LABEL.runner]: runner,
  [LABEL.life]: life,
  ...(part === null ? {} : { [LABEL.part]: part }),
})
