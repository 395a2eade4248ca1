import { keyFile, newSecret, oldKeyFile, replaceKeyFile } from '../access/key-files.ts'
import type { Config } from '../config.ts'

/** Where a server has its keys from. */
export type KeySource = {
  /** The texts of all of them, the newest first. */
  readonly read: () => Promise<readonly string[]>
  /** Make a new key, and keep the one before it; null where keys come from settings, which only people change. */
  readonly renew: (() => Promise<void>) | null
}

const FILE = 'secret.key'
const FILE_BEFORE = 'secret.key.previous'

/** From the settings, else from files of the data directory. */
export function keySource(config: Config): KeySource {
  const { TAKT_DATA: dataDir, TAKT_SECRET_KEY: key, TAKT_SECRET_KEY_PREVIOUS: before } = config
  if (key !== undefined) return { read: async () => different([key, before ?? null]), renew: null }
  return {
    read: async () =>
      different([await keyFile(dataDir, FILE), before ?? null, await oldKeyFile(dataDir, FILE_BEFORE)]),
    async renew() {
      // In this order: whenever it is interrupted, the key that seals at the moment is in one of the two.
      await replaceKeyFile(dataDir, FILE_BEFORE, await keyFile(dataDir, FILE))
      await replaceKeyFile(dataDir, FILE, newSecret())
    },
  }
}

const different = (texts: readonly (string | null)[]) => [...new Set(texts.filter((text) => text !== null))]
