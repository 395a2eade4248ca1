import { createContext } from 'svelte'
import { api } from './api.ts'
import { LiveLink, type EventWatch, type LinkStatus, type LogTail } from './live-link.ts'

/** The live connection as state: what the header shows, and what pages read events and logs from. */
export class Live {
  #status = $state<LinkStatus>('dialling')
  readonly #link: LiveLink

  constructor(onSignedOut: () => void) {
    this.#link = new LiveLink({
      dial: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/live`),
      changed: (status) => (this.#status = status),
      failed: (attempt) => {
        if (attempt === 1) void api.me().catch((problem) => problem.status === 401 && onSignedOut())
      },
    })
  }

  get status(): LinkStatus {
    return this.#status
  }

  watch(watch: EventWatch): () => void {
    return this.#link.watch(watch)
  }

  tail(tail: LogTail): () => void {
    return this.#link.tail(tail)
  }

  /** The machine woke up or changed its network: a connection that looks open may be dead. */
  wake = (): void => {
    if (document.visibilityState !== 'hidden' && this.#status !== 'dialling') this.#link.redial()
  }

  close(): void {
    this.#link.close()
  }
}

export const [getLive, setLive] = createContext<Live>()
