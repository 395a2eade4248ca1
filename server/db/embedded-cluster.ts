import { execFile } from 'node:child_process'
import { chown, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Binaries } from './embedded-binaries.ts'
import type { Home } from './embedded-home.ts'

export const DATABASE_USER = 'takt'

/** The same database on every machine: UTF-8, sorted by code point, whatever languages the machine knows. */
const SHAPE = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
/** No user names, no time zone, nothing from our own environment: PostgreSQL needs none of it. */
export const BARE_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }

/**
 * Make the cluster, where there is none yet.
 *
 * It is made beside its place and then renamed, so that one that is there is whole, however the making was interrupted.
 */
export async function ensureCluster(home: Home, binaries: Binaries, signal?: AbortSignal): Promise<void> {
  const version = await readFile(join(home.cluster, 'PG_VERSION'), 'utf8').catch(() => null) // none before the first start
  if (version !== null) return refuseOtherMajor(home.cluster, version.trim(), binaries.major)
  await removeHalfMade(home.cluster)
  const half = `${home.cluster}.new-${process.pid}`
  await mkdir(half, { mode: 0o700 })
  if (home.as) await chown(half, home.as.uid, home.as.gid)
  await initdb(half, home, { binaries, signal })
  await rename(half, home.cluster).catch(async (error: unknown) => {
    await rm(half, { recursive: true, force: true })
    // A server that started beside this one was quicker: its cluster is the one.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error
  })
}

async function initdb(
  place: string,
  home: Home,
  { binaries, signal }: { binaries: Binaries; signal?: AbortSignal | undefined },
) {
  const identity = home.as ? { uid: home.as.uid, gid: home.as.gid } : {}
  const args = [
    '-D',
    place,
    `--username=${DATABASE_USER}`,
    '--auth=trust',
    '--no-sync',
    '--no-instructions',
    ...SHAPE,
  ]
  try {
    await promisify(execFile)(binaries.initdb, args, {
      ...identity,
      cwd: dirname(place),
      env: BARE_ENVIRONMENT,
      signal,
    })
  } catch (error) {
    await rm(place, { recursive: true, force: true })
    const words = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    throw new Error(`PostgreSQL's database could not be made in ${dirname(place)}:\n${words}`, {
      cause: error,
    })
  }
}

/** Directories of makers that are no more. */
async function removeHalfMade(cluster: string): Promise<void> {
  const prefix = `${basename(cluster)}.new-`
  const left = (await readdir(dirname(cluster))).filter((name) => name.startsWith(prefix))
  for (const name of left) {
    const maker = Number(name.slice(prefix.length))
    if (maker === process.pid || !isRunning(maker))
      await rm(join(dirname(cluster), name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // no such process, or one of another user, which makes nothing in our directory
  }
}

function refuseOtherMajor(cluster: string, found: string, ours: string): void {
  if (found === ours) return
  throw new Error(
    `The database in ${cluster} was made by PostgreSQL ${found}, and this Takt brings PostgreSQL ${ours}. ` +
      `Start the Takt that made it, or point DATABASE_URL at a PostgreSQL ${found} that holds it, ` +
      `or move ${dirname(cluster)} away to begin with an empty database.`,
  )
}
