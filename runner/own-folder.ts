import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './log.ts'

const AGAIN_MS = 500

const GONE = 'gone'

/**
 * Be the only runner of this folder, for as long as the process lives.
 *
 * A runner sweeps at its start what carries its name. Were there two of them (a server that was killed and came back, while its
 * runner went on), the newer would sweep away what the older is doing. So the newer waits until the older is gone.
 *
 * @returns What gives the folder back.
 */
export async function ownFolder(
  folder: string,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  const path = join(folder, 'owner')
  await mkdir(folder, { recursive: true })
  const mine = await life(process.pid)
  if (mine === GONE) return { [Symbol.asyncDispose]: async () => {} } // no /proc here, so nobody's life can be told
  for (let told = ''; !(await claim(path, mine)); await sleep(AGAIN_MS, undefined, { signal })) {
    const holder = await readFile(path, 'utf8').catch(() => '') // given back in this moment
    const pid = Number(holder.split(' ')[0])
    if (holder === '' || (await life(pid)) !== holder) await rm(path, { force: true })
    else if (told !== holder) log.warn({ pid, folder }, 'folder.taken')
    told = holder
  }
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

async function claim(path: string, mine: string): Promise<boolean> {
  try {
    await writeFile(path, mine, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** A process and the tick it was started at: numbers are given again, but not at the same tick. */
async function life(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') // no such process any more
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || stat === '' ? GONE : `${pid} ${fields[18]}`
}
