import type { Job, Resource } from './api.ts'
import { lineAddress, type Opened, runAddress, testsAddress } from './places.ts'
import { isUnderWay } from './state-words.ts'

/** Something that a person can do with a node of the line, or look at; each has an address. */
export type Deed = { readonly words: string; readonly href: string }

export type Ground = {
  readonly at: { readonly project: string; readonly pipeline: string; readonly lane: string | null }
  readonly addressOf: (open: Opened) => string
  readonly canStart: boolean
  readonly canDecide: boolean
}

/** What can be done with a job as it stands now, by whoever looks. */
export function jobDeeds(job: Job, { at, addressOf, canStart, canDecide }: Ground): Deed[] {
  const { name, last_run: run } = job
  const runs = job.legs.length > 0 ? job.legs : run ? [run] : []
  const open = (words: string, act?: Opened['act']) => ({ words, href: addressOf({ of: 'job', name, act }) })
  return [
    ...runs
      .filter(({ state }) => state === 'waiting')
      .slice(0, 1)
      .map(() => open('Decide at its gate…')),
    ...(canStart
      ? [open(job.inputs.length > 0 ? 'Run with inputs…' : 'Run on chosen versions…', 'run')]
      : []),
    ...(canStart && runs.some(({ state }) => isUnderWay(state)) ? [open('Cancel…', 'cancel')] : []),
    ...(canDecide ? [job.paused ? open('Let it go on…') : open('Pause…', 'pause')] : []),
    open('Why it runs or waits'),
    ...(run ? [{ words: `Open #${run.number} and its log`, href: runAddress(run.id) }] : []),
    { words: 'Tests over time', href: testsAddress({ ...at, job: name }) },
  ]
}

/** What can be done with a resource as it stands now, by whoever looks. */
export function resourceDeeds(
  { name, newest, check, paused }: Resource,
  { at, addressOf, canStart, canDecide }: Ground,
): Deed[] {
  const open = (words: string, act?: Opened['act']) => ({
    words,
    href: addressOf({ of: 'resource', name, act }),
  })
  return [
    ...(newest
      ? [{ words: 'Follow its newest version', href: lineAddress({ ...at, version: newest.name }) }]
      : []),
    ...(canDecide && newest ? [open('Pin the newest…', 'pin'), open('Disable the newest…', 'disable')] : []),
    ...(canDecide ? [open(paused ? 'Let it go on…' : 'Pause…')] : []),
    ...(canStart && check ? [open('Look for new versions…')] : []),
    open('All its versions'),
  ]
}
