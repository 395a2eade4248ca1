import type {
  EndingFact,
  Facts,
  How,
  InputFact,
  NeedFact,
  Trigger,
  VersionFact,
} from '#pipelines/plan/facts.ts'
import type { EndingId, RunId, TriggerId, VersionId } from '#pipelines/ids.ts'
import type { RunState } from '#pipelines/states.ts'

/** Version `n` of a resource: its seq is `n`, its name `v<n>`; another resource has ids from another base. */
export const v = (seq: number, base = 0): VersionFact => ({
  id: (base + seq) as VersionId,
  seq,
  name: `v${seq}`,
})

export const ending = (
  run: number,
  versions: Record<string, VersionFact>,
  how: How = 'success',
): EndingFact => ({
  id: run as EndingId,
  run: run as RunId,
  how,
  versions,
})

export const input = (resource: string, given: Partial<InputFact> = {}): InputFact => ({
  resource,
  get: null,
  via: [],
  from: null,
  pin: null,
  newest: null,
  ...given,
})
export const got = { trigger: true, every: false, start: 'settled' } as const

export const newestRun = (
  run: number,
  state: RunState,
  versions: Record<string, VersionFact>,
): NeedFact['newest'] => ({
  run: run as RunId,
  state,
  how:
    state === 'succeeded' || state === 'skipped'
      ? 'success'
      : state === 'failed'
        ? 'failure'
        : state === 'errored' || state === 'cancelled'
          ? 'other'
          : null,
  versions,
})

export const need = (job: string, given: Partial<NeedFact> = {}): NeedFact => ({
  job,
  trigger: true,
  on: ['success'],
  versions: 'same',
  start: 'settled',
  carries: ['src'],
  endings: [],
  newest: null,
  paused: null,
  ...given,
})

export const pushed = (id: number, resource: string, version: VersionFact): Trigger => ({
  id: id as TriggerId,
  gathered: false,
  kind: 'version',
  resource,
  version,
})
export const ended = (id: number, job: string, fact: EndingFact): Trigger => ({
  id: id as TriggerId,
  gathered: false,
  kind: 'ending',
  job,
  ending: fact,
})
export const changed = (id: number, words: string): Trigger => ({
  id: id as TriggerId,
  gathered: false,
  kind: 'changed',
  words,
})

export const took = (seqs: Record<string, number>, runs: Record<string, number> = {}): Facts['taken'] => ({
  run: 90 as RunId,
  seqs,
  runs: runs as Record<string, RunId>,
})

export const facts = (given: Partial<Facts> = {}): Facts => ({
  job: { name: 'job', start: 'settled', when: null, if: null, paths: [] },
  project: 'shop',
  pipeline: 'main',
  lane: { name: 'main', kind: 'push' },
  paused: null,
  inputs: [],
  needs: [],
  active: [],
  producers: [],
  taken: null,
  used: [],
  details: {},
  triggers: [],
  ...given,
})
