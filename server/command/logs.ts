import { once } from 'node:events'
import { readConfig } from './config.ts'
import { send } from './call.ts'

/** What a run said, byte for byte; `follow` stays until the run is over and ends as it ended. */
export async function logs(id: number, { follow }: { follow?: true }): Promise<number> {
  const config = readConfig()
  if (follow) return (await import('./follow.ts')).follow(config, id)
  const response = await send(config, `/api/v1/runs/${id}/log`, { accept: 'text/plain' })
  await response.body?.pipeTo(new WritableStream({ write: print }))
  return 0
}

/** A log may be larger than memory, so we wait for a reader that is slower than the server. */
async function print(chunk: Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}
