import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Ending, WRONG_USE } from './ending.ts'
import { endAll, isAlive, type Mark, markOf } from './processes.ts'

const Marked = z.object({ pid: z.number().int().positive(), born: z.string() })
const Claimed = z.object({ up: Marked, children: z.array(Marked) })
type Claimed = z.output<typeof Claimed>

/** The right of one `takt up` to a data directory. */
export type Claim = Disposable & {
  /** Remember a child, so that the next `up` can end it should this one be killed. */
  adopt(pid: number): void
}

const ORPHANS_MS = 3_000

/**
 * Claim a data directory; children that a killed `up` left behind are ended first.
 *
 * @throws {Ending} When another one that is alive holds it.
 */
export async function claim(dataDir: string): Promise<Claim> {
  const path = join(dataDir, 'up.json')
  const draft = `${path}.${process.pid}`
  const mine: { up: Mark; children: Mark[] } = { up: markOf(process.pid), children: [] }
  const write = (file: string) => writeFileSync(file, JSON.stringify(mine), { mode: 0o600 })
  write(draft)
  try {
    while (!linked(draft, path)) await takeFromTheDead(path)
  } finally {
    rmSync(draft)
  }
  const adopt = (pid: number) => {
    mine.children = [...mine.children.filter(isAlive), markOf(pid)]
    write(draft)
    renameSync(draft, path)
  }
  return { adopt, [Symbol.dispose]: () => rmSync(path, { force: true }) }
}

/** A link is made whole or not at all, and by one only. */
function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function takeFromTheDead(path: string): Promise<void> {
  const held = readClaim(path)
  if (held && isAlive(held.up)) {
    const words = `Takt is up already on this data directory (process ${held.up.pid}): stop it with \`kill ${held.up.pid}\`, or set TAKT_DATA to another directory`
    throw new Ending(WRONG_USE, words)
  }
  if (held) await endAll(held.children, ORPHANS_MS)
  // By renaming, only one of several that saw the dead one clears its claim away.
  const aside = `${path}.dead-${process.pid}`
  if (JSON.stringify(readClaim(path)) !== JSON.stringify(held)) return
  try {
    renameSync(path, aside)
    rmSync(aside)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error // somebody was quicker
  }
}

/** Null when there is none, or when what is there says nothing: both are no claim. */
function readClaim(path: string): Claimed | null {
  try {
    return Claimed.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null // gone in the meantime, or not written by us
  }
}
