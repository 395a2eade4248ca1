import * as http from 'node:http'
import * as https from 'node:https'
import Docker from 'dockerode'
import { z } from 'zod'

/** Who asks for so long and is then cut off was waiting for nothing but a container that lives. */
const LONG_MS = 1_000
const Ended = z.object({ StatusCode: z.number().int() })
const STATUSES = { 200: true, 400: 'bad parameter', 404: 'no such container', 500: 'server error' }

/**
 * Wait for a container to end.
 *
 * The engine's answer begins at once and ends with the container. Where the engine goes away in between, the client's own
 * `wait` says nothing for ever: so the answer is read here.
 *
 * @returns Its exit code.
 */
export async function exitOf(container: Docker.Container): Promise<number> {
  const path = `/containers/${container.id}/wait?`
  const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    const told = (error: unknown, stream?: unknown) =>
      error ? reject(error as Error) : resolve(stream as NodeJS.ReadableStream)
    container.modem.dial({ path, method: 'POST', isStream: true, statusCodes: STATUSES }, told)
  })
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return Ended.parse(JSON.parse(text)).StatusCode
}

/** Watch a container that runs: whether it has ended, or the engine that had it does not answer. */
export function lifeOf(container: Docker.Container): { readonly ended: boolean } {
  const life = { ended: false }
  void end(container).then(() => (life.ended = true))
  return life
}

/** Resolves when it has ended. A connection over which nothing is said is cut by some machines on its way: that is no end. */
async function end(container: Docker.Container): Promise<void> {
  for (;;) {
    const begun = performance.now()
    const cut = await exitOf(container).then(
      () => false,
      () => true, // looked into below
    )
    if (!cut || performance.now() - begun < LONG_MS || !(await isRunning(container))) return
  }
}

/** Whether the engine says so. */
export const isRunning = (container: Docker.Container): Promise<boolean> =>
  container.inspect().then(
    ({ State }) => State.Running,
    () => false, // it is gone, or its engine is
  )

/** Whether the engine still lets somebody new in: an old connection may outlive its door. */
export async function knocks(container: Docker.Container): Promise<boolean> {
  const { modem } = container
  const { Agent } = modem.protocol === 'https' ? https : http
  const visitor = new Docker({ ...modem, agent: new Agent({ keepAlive: false }) })
  return visitor.ping().then(
    () => true,
    () => false, // it does not
  )
}
