import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A random secret in URL-safe letters, 256 bits strong. */
export const newSecret = (prefix = ''): string => prefix + randomBytes(32).toString('base64url')

/**
 * A secret kept in a file of the data directory that only its owner can read; made on first use. Two processes that make it at
 * the same time get the same one.
 */
export async function keyFile(
  dataDir: string,
  name: string,
  make: () => string = newSecret,
): Promise<string> {
  const file = join(dataDir, name)
  await mkdir(dataDir, { recursive: true, mode: 0o755 })
  try {
    await writeFile(file, `${make()}\n`, { flag: 'wx', mode: 0o600 })
    await chmod(file, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return (await readFile(file, 'utf8')).trim()
}
