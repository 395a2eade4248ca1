import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A network between somebody and a server that the test can cut and mend. */
export type Wire = AsyncDisposable & {
  readonly url: string
  /** From now on nothing gets through, and nobody is told: whoever calls is let in and hears nothing. */
  cut(): void
  /** What was open is dead, as after a change of address; whoever calls again gets through. */
  mend(): void
}

export async function wireTo(target: string): Promise<Wire> {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    open.add(near)
    near.on('error', () => near.destroy()).on('close', () => open.delete(near))
    if (isCut) return void near.pause()
    const far = connect(Number(port), hostname)
    open.add(far)
    far.on('error', () => far.destroy()).on('close', () => open.delete(far))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => (isCut ? undefined : to.write(bytes)))
      from.on('close', () => (isCut ? undefined : to.destroy()))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dropAll = () => open.forEach((socket) => socket.destroy())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => void (isCut = true),
    mend() {
      dropAll()
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      dropAll()
      server.close()
    },
  }
}
