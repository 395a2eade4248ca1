import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { House } from './server.ts'

const run = promisify(execFile)
const AUTHOR = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.test', '-c', 'commit.gpgsign=false']

/** A clone on somebody's laptop: real git, pushing over HTTP. */
export type Clone = AsyncDisposable & {
  readonly dir: string
  git(...args: string[]): Promise<string>
  /** Write these files (null removes one) and commit. @returns The commit's hash. */
  commit(files: Record<string, string | null>, message?: string): Promise<string>
  /** Commit and push. @returns The commit's hash. */
  push(files: Record<string, string | null>, to?: { branch?: string; message?: string }): Promise<string>
}

/** Add a project that the server hosts, and clone it. */
export async function hostedProject(house: House, name: string): Promise<Clone> {
  const added = await house.ask('POST /api/v1/projects', { name })
  if (added.status !== 201) throw new Error(added.text)
  return cloneOf(`${house.url.replace('://', `://ann:${house.token}@`)}/git/${name}.git`)
}

export async function cloneOf(remote: string): Promise<Clone> {
  const dir = await mkdtemp(join(tmpdir(), 'takt-clone-'))
  const git = async (...args: string[]) => {
    const env = { PATH: process.env['PATH'], HOME: dir, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' }
    return (await run('git', [...AUTHOR, ...args], { cwd: dir, env })).stdout.trim()
  }
  await git('init', '-q', '-b', 'main')
  await git('remote', 'add', 'origin', remote)
  const commit: Clone['commit'] = async (files, message = 'Change something') => {
    for (const [path, text] of Object.entries(files)) {
      if (text === null) await rm(join(dir, path))
      else {
        await mkdir(dirname(join(dir, path)), { recursive: true })
        await writeFile(join(dir, path), text)
      }
    }
    await git('add', '-A')
    await git('commit', '-q', '--allow-empty', '-m', message)
    return git('rev-parse', 'HEAD')
  }
  return {
    dir,
    git,
    commit,
    async push(files, { branch = 'main', message } = {}) {
      const sha = await commit(files, message)
      await git('push', '-q', '--force', 'origin', `HEAD:refs/heads/${branch}`)
      return sha
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
