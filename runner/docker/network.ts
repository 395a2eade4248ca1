import type Docker from 'dockerode'
import { isStatus } from './refusal.ts'

/** The one bridge all runs share; the engine drops every packet from one of its containers to another. */
export const NETWORK = 'takt'

/** Make the shared network where it is missing. Two runners may try at once. */
export async function ensureNetwork(docker: Docker, signal: AbortSignal): Promise<void> {
  const found = await docker.listNetworks({ filters: { name: [`^${NETWORK}$`] }, abortSignal: signal })
  if (found.length > 0) return
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
