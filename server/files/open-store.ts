import { join } from 'node:path'
import type { Config } from '../config.ts'
import { directoryStore } from './directory-store.ts'
import type { Store } from './store.ts'

/** Where this server keeps files: in its data directory. */
export const openStore = (config: Config): Store => directoryStore(join(config.TAKT_DATA, 'store'))
