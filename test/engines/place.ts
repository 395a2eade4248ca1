import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Work } from '../../runner/work.ts'
import { planOf } from '../runner/plans.ts'
import { folderWorkspace } from './folder-workspace.ts'

/** Where a step gets or puts: files of this machine, and a log that is kept. */
export async function placeOf(plan = planOf([])) {
  const workspace = await folderWorkspace()
  const abort = new AbortController()
  const said: string[] = []
  const work = new Work(plan, 'lease-lease-lease', () => {})
  const write = async (bytes: Uint8Array) => void said.push(Buffer.from(bytes).toString())
  const at = { work, workspace, signal: abort.signal, write }
  const file = (path: string) => readFile(join(workspace.root, path), 'utf8')
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(workspace.root, path)), { recursive: true })
    await writeFile(join(workspace.root, path), text)
  }
  const heard = () => said.join('')
  return {
    at,
    abort,
    heard,
    file,
    put,
    root: workspace.root,
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  }
}
