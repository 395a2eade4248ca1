import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freshDatabase } from './database.ts'
import { cloneOf } from './repository.ts'
import { serverProcess } from './server-process.ts'

/** A server as a process of its own, to be killed and started again, with a hosted project `shop`. */
export async function killableShop(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const { db, url } = stack.use(await freshDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-kill-'))
  await chmod(dataDir, 0o755)
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const settings = { DATABASE_URL: url, TAKT_DATA: dataDir, HOME: dataDir, ...env }
  const server = stack.use(await serverProcess(settings))
  const [token = '', runnerToken = ''] = await Promise.all(
    ['token', 'runner-token'].map(async (name) => (await readFile(join(dataDir, name), 'utf8')).trim()),
  )
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = body ? { body: JSON.stringify(body) } : {}
    const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers, ...sent })
    return answer.json() as ReturnType<typeof JSON.parse>
  }
  await ask('POST', 'projects', { name: 'shop' })
  const clone = stack.use(await cloneOf(`${server.url.replace('://', `://ann:${token}@`)}/git/shop.git`))
  return { db, server, runnerToken, ask, clone, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
