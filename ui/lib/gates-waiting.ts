import { createContext } from 'svelte'
import { api, type Gates } from './api.ts'
import type { Live } from './live.svelte.ts'
import { Snapshot } from './snapshot.svelte.ts'

/** What waits for a decision: one view of it, whoever looks, the first page or what tells of it outside the window. */
export const followGatesWaiting = (live: Live): Snapshot<Gates> =>
  new Snapshot(live, {
    topic: { of: 'all' },
    take: api.gatesWaiting,
    concerns: (event) =>
      event.kind === 'gate.opened' ||
      event.kind === 'gate.decided' ||
      (event.kind === 'run.moved' && event.from === 'waiting'),
  })

export const [getGatesWaiting, setGatesWaiting] = createContext<Snapshot<Gates>>()
