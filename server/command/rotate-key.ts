import { setTimeout as sleep } from 'node:timers/promises'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, RED } from './ending.ts'
import { note, outJson } from './print.ts'

type Standing = {
  readonly mark: string
  readonly from: 'setting' | 'file'
  readonly sealed: number
  readonly waiting: number
  readonly unknown: number
}
const LOOK_MS = 200

/** Change the key that seals, and wait until everything is sealed with the new one. Interrupted, it goes on by itself. */
export async function rotateKey({ json }: { readonly json?: true }): Promise<number> {
  const config = readConfig()
  const begun = await call<Standing>(config, '/api/v1/server/key/rotate', { method: 'POST' })
  if (!json) note(`the key ${begun.mark} seals from now on; ${begun.waiting} of ${begun.sealed} wait for it`)
  let standing = begun
  while (standing.waiting > 0) {
    await sleep(LOOK_MS)
    const next = await call<Standing>(config, '/api/v1/server/key')
    if (next.mark !== begun.mark) throw new Ending(RED, 'the key was changed once more meanwhile')
    standing = next
  }
  if (json) outJson(standing)
  else note(ended(standing))
  return standing.unknown > 0 ? RED : 0
}

function ended({ sealed, unknown, from }: Standing): string {
  const lost =
    unknown > 0 ? `; ${unknown} were sealed with a key that is not known here, and cannot be read` : ''
  const next =
    from === 'file'
      ? 'secrets of hooks that were derived from the key before still count while secret.key.previous is in the data directory'
      : 'secrets of hooks that were derived from the key before still count while it is TAKT_SECRET_KEY_PREVIOUS'
  return `${sealed - unknown} are sealed with the new key${lost}\n${next}`
}
