import type { WebSocket } from 'ws'
import type { UserId } from '#pipelines/ids.ts'

/** Connections at a time: of one person (a browser has one for each tab), of all who are nobody, and altogether. */
export type MostSockets = { readonly each: number; readonly nobody: number; readonly all: number }

/** Who sits at one of this server's sockets. A seat is given back when its socket has closed. */
export class Seats {
  readonly #most: MostSockets
  readonly #taken = new Map<UserId | null, number>()
  #all = 0

  constructor(most: MostSockets) {
    this.#most = most
  }

  isFull(user: UserId | null): boolean {
    const { each, nobody, all } = this.#most
    return this.#all >= all || (this.#taken.get(user) ?? 0) >= (user === null ? nobody : each)
  }

  seat(socket: WebSocket, user: UserId | null): void {
    this.#all++
    this.#taken.set(user, (this.#taken.get(user) ?? 0) + 1)
    socket.once('close', () => {
      this.#all--
      const left = (this.#taken.get(user) ?? 1) - 1
      if (left > 0) this.#taken.set(user, left)
      else this.#taken.delete(user)
    })
  }
}
