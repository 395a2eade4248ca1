import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-fs'
import type { Shell, Workspace } from '../../runner/engine.ts'
import { run } from './test-image.ts'

/** A run's files in a plain folder of this machine, for what needs files and no engine; its shell knows no steps but `rm`. */
export async function folderWorkspace(): Promise<Workspace & { readonly root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'takt-files-'))
  for (const folder of ['work', 'inputs', 'state', 'states']) await mkdir(join(root, folder))
  const shell: Shell = {
    usable: true,
    async *run({ commands }) {
      for (const command of commands) await run('sh', ['-c', command])
      return { exitCode: 0, error: null, output: null, stateTouched: false }
    },
  }
  const unpack = async (path: string, files: Readable) => {
    await mkdir(join(root, path), { recursive: true })
    const unpacking = spawn('tar', ['-x', '-C', join(root, path)], { stdio: ['pipe', 'ignore', 'inherit'] })
    const ended = once(unpacking, 'close')
    await pipeline(files, unpacking.stdin)
    if ((await ended)[0] !== 0) throw new Error('tar could not unpack it')
  }
  return {
    root,
    shell: async () => shell,
    read: async (path) => {
      const there = await lstat(join(root, path)).catch(() => null)
      if (!there) return null
      const packed = tar.pack(join(root, dirname(path)), { entries: [basename(path)] })
      return Readable.from(packed, { objectMode: false })
    },
    write: unpack,
    restore: (files) => unpack('', files),
    usage: async () => ({ peakMemoryBytes: null, cpuMs: null }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}
