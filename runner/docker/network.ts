import type Docker from 'dockerode'
import { isStatus } from './refusal.ts'

/** The one bridge all runs share; the engine drops every packet from one of its containers to another. */
export const NETWORK = 'takt'

/** Make the shared network where it is missing. Two runners may try at once. */
export async function ensureNetwork(docker: Docker, signal: AbortSignal): Promise<void> {
  const found = await sharedOnes(docker, signal)
  if (found.length === 0) await make(docker, signal)
  if (found.length !== 1) await keepOne(docker, signal)
}

async function make(docker: Docker, signal: AbortSignal): Promise<void> {
  try {
    await docker.createNetwork({
      Name: NETWORK,
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: { 'dev.takt.network': 'shared' },
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      abortSignal: signal,
    })
  } catch (error) {
    if (!isStatus(error, 409)) throw error // 409: the other runner was faster, and made the same one
  }
}

/** Two who ask in the same moment both get one, and the engine then finds the name ambiguous: the oldest stays. */
async function keepOne(docker: Docker, signal: AbortSignal): Promise<void> {
  const [, ...others] = await sharedOnes(docker, signal)
  for (const { Id } of others)
    await docker
      .getNetwork(Id)
      .remove()
      .catch((error: unknown) => {
        if (!isStatus(error, 403, 404)) throw error // 403: somebody is in there; 404: the other runner was faster
      })
}

/** Oldest first. */
async function sharedOnes(docker: Docker, signal: AbortSignal) {
  const found = await docker.listNetworks({ filters: { name: [`^${NETWORK}$`] }, abortSignal: signal })
  const age = ({ Created, Id }: { Created: string; Id: string }) => `${Created} ${Id}`
  return found.toSorted((a, b) => (age(a) < age(b) ? -1 : 1))
}
