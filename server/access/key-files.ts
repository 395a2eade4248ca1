import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { log } from '../log.ts'

/** A random secret in URL-safe letters, 256 bits strong. */
export const newSecret = (prefix = ''): string => prefix + randomBytes(32).toString('base64url')

/** Anything shorter is no secret, but what a full disk or an editor left of one. */
const LEAST_LETTERS = 16

/**
 * A secret kept in a file of the data directory that only its owner can read; made on first use. Two processes that make it at
 * the same time get the same one. It is there whole or not at all, and a file that holds none is made anew.
 *
 * @throws {Error} In words, when there is no secret in the file and none can be put there.
 */
export async function keyFile(
  dataDir: string,
  name: string,
  make: () => string = newSecret,
): Promise<string> {
  const file = join(dataDir, name)
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o755 })
    const there = (await read(file)) ?? (await place(file, make()))
    if (isSecret(there)) return there
    log.warn({ file }, 'key-file.remade')
    return await place(file, make(), rename)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    throw new Error(`there is no secret in ${file}, and none could be put there: ${words}`, { cause: error })
  }
}

/** A secret in a file that need not be there. */
export async function oldKeyFile(dataDir: string, name: string): Promise<string | null> {
  const there = await read(join(dataDir, name))
  return there !== null && isSecret(there) ? there : null
}

/** Put a secret in the place of the one that a file holds: in one step, and on the disk when this returns. */
export async function replaceKeyFile(dataDir: string, name: string, secret: string): Promise<void> {
  await place(join(dataDir, name), secret, rename)
}

const isSecret = (text: string) => text.length >= LEAST_LETTERS

async function read(file: string): Promise<string | null> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/**
 * Write a file beside `file` down to the disk, then give it the name in one step: by `link`, which leaves alone what somebody
 * else has put there meanwhile, or by `rename`, which replaces it.
 *
 * @returns What `file` holds now.
 */
async function place(file: string, secret: string, named: typeof link = link): Promise<string> {
  const beside = `${file}.${randomBytes(6).toString('hex')}.new`
  try {
    await writeThrough(beside, `${secret}\n`)
    await named(beside, file).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error // else: another process was faster, and its secret is the one
    })
    await syncFolder(dirname(file))
  } finally {
    await rm(beside, { force: true })
  }
  return (await read(file)) ?? ''
}

async function writeThrough(file: string, text: string): Promise<void> {
  await using opened = await open(file, 'wx', 0o600)
  await opened.writeFile(text)
  await opened.sync()
}

/** The name is on disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  await using opened = await open(folder)
  await opened.sync()
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)
