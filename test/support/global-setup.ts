import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../../server/db/embedded.ts'
import { migrate } from '../../server/db/migrate.ts'
import { ask, TEMPLATE, urlIn } from './database.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL of this test run; see database.ts. */
    databaseUrl: string
  }
}

/** A lost machine costs a test run nothing, so nothing is written through to the disk. */
const CARELESS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' }
const quiet = { info: () => {}, warn: (fields: object, name: string) => console.error(name, fields) }

/** One PostgreSQL for the whole run, with a template that holds every migration. */
export default async function setup(project: TestProject) {
  const place = await mkdtemp(join(await quickPlace(), 'takt-test-'))
  await chmod(place, 0o755) // root's PostgreSQL is another user, who must get in
  const postgres = await startEmbedded(place, { log: quiet as never, settings: CARELESS })
  await ask(postgres.url, `create database ${TEMPLATE}`)
  await migrate(urlIn(postgres.url, TEMPLATE))
  await ask(postgres.url, `alter database ${TEMPLATE} is_template true allow_connections false`)
  project.provide('databaseUrl', postgres.url)
  return async () => {
    await postgres.stop()
    await rm(place, { recursive: true })
  }
}

const ENOUGH_BYTES = 2_000_000_000

/** Memory where there is plenty to be had: a copy of the template is made for every test. Some containers have a little only. */
async function quickPlace(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => null) // not every machine has it; the disk is slower, and as right
  return memory && memory.bavail * memory.bsize > ENOUGH_BYTES ? '/dev/shm' : tmpdir()
}
