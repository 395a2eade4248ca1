import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import { callServer } from '../../runner/call-server.ts'
import { Checkouts } from '../../runner/checkout.ts'
import type { Workspace } from '../../runner/engine.ts'
import { serverFreight } from '../../runner/freight/freight.ts'
import type { TakeOptions } from '../../runner/freight.ts'
import { localEngine } from '../../runner/local/engine.ts'
import { createLog } from '../../runner/log.ts'
import { Work } from '../../runner/work.ts'
import { steeredLine } from '../support/steer.ts'

const signal = new AbortController().signal

/** A line whose runs pass through a runner's freight and a local workspace, step by step, in the hands of the test. */
async function carried(file: string) {
  const stack = new AsyncDisposableStack()
  const line = stack.use(await steeredLine(file))
  const folder = await mkdtemp(join(tmpdir(), 'takt-freight-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const log = createLog()
  log.level = 'silent'
  const options = { identity: 'test', folder, path: process.env['PATH'] ?? '', log }
  const engine = localEngine({ ...options, checkouts: new Checkouts(folder, {}) })
  const freight = serverFreight(callServer(line.house.url))

  /** Carry out the run of a job that is due: bring, write these files into the workspace (null removes one), take, end. */
  const pass = async (
    job: string,
    { look, write = {}, ended = 'succeeded', act }: Passing = {},
  ): Promise<{ said: string }> => {
    await line.quiet()
    const taken = (await line.claim())!
    expect(taken.job).toBe(job)
    const plan: Plan = { ...taken.plan, checkout: null }
    const work = new Work(plan, taken.lease, () => {})
    let said = ''
    const say = async (text: string) => void (said += text)
    await using workspace = await engine.open(plan, { signal, say })
    await freight.bring(work, workspace, { signal, say })
    await look?.(workspace)
    for (const [path, content] of Object.entries(write)) {
      await mkdir(dirname(join(workspace.root, path)), { recursive: true })
      if (content === null) await rm(join(workspace.root, path))
      else await writeFile(join(workspace.root, path), content)
    }
    await act?.(workspace)
    const stateTouched = Object.keys(write).some((path) => path.startsWith('state/'))
    await freight.take(work, workspace, { signal, say, ended, stateTouched })
    await line.endRun(taken.id, ended === 'succeeded' ? 'succeed' : 'fail')
    await line.quiet()
    return { said }
  }
  return { ...line, pass, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
type Passing = {
  /** Before anything is written. */
  look?: (workspace: Workspace) => Promise<void>
  write?: Record<string, string | null>
  ended?: TakeOptions['ended']
  act?: (workspace: Workspace) => Promise<void>
}

const textOf = (workspace: Workspace, path: string) =>
  readFile(join(workspace.root, path), 'utf8').catch(() => null)

test(
  'what a job keeps lies in the working directory of the job that needs it',
  { timeout: 60_000 },
  async () => {
    await using line = await carried(`
jobs:
  build: { run: make, keep: [dist/, "*.txt", "!dist/tmp/**"] }
  test: { needs: build, run: test }
`)
    await line.push()
    const write = {
      'work/dist/app.js': 'app',
      'work/dist/deep/er/b': 'b',
      'work/dist/tmp/no': 'no',
      'work/a.txt': 'a',
      'work/b.md': 'no',
      'work/sub/c.txt': 'no',
    }
    const build = await line.pass('build', {
      write,
      act: async ({ root }) => {
        await chmod(join(root, 'work/dist/app.js'), 0o755)
        await symlink('app.js', join(root, 'work/dist/latest'))
        await symlink('/etc/passwd', join(root, 'work/dist/out'))
        await symlink('../../../x', join(root, 'work/dist/deep/up'))
      },
    })
    expect(build.said).toContain('Left out: "dist/out" links to "/etc/passwd", which is not inside')
    expect(build.said).toContain('Left out: "dist/deep/up" links to')
    expect(build.said).toMatch(/Kept \d+ files, 5 B/)
    let found: unknown
    await line.pass('test', {
      act: async (workspace) => {
        const paths = [
          'dist/app.js',
          'dist/latest',
          'dist/deep/er/b',
          'a.txt',
          'dist/out',
          'dist/tmp/no',
          'b.md',
        ]
        found = await Promise.all(paths.map((path) => textOf(workspace, `work/${path}`)))
      },
    })
    expect(found).toEqual(['app', 'app', 'b', 'a', null, null, null])
  },
)

test(
  'a job that has nothing of what it is to keep fails; one that failed may',
  { timeout: 60_000 },
  async () => {
    await using line = await carried('jobs: { build: { run: make, keep: dist/ } }')
    await line.push()
    await expect(line.pass('build')).rejects.toThrow('What the job keeps (dist/) is not there')
    await using other = await carried('jobs: { build: { run: make, keep: dist/ } }')
    await other.push()
    expect((await other.pass('build', { ended: 'failed' })).said).toContain('Kept 0 files')
  },
)

test('the next run finds the state that the last successful one left', { timeout: 60_000 }, async () => {
  await using line = await carried('jobs: { build: { run: make } }')
  const round = async (write: Record<string, string | null>, ended: TakeOptions['ended'] = 'succeeded') => {
    let found: string | null = null
    await line.push()
    const look = async (workspace: Workspace) => void (found = await textOf(workspace, 'state/n'))
    await line.pass('build', { look, write, ended })
    return found
  }
  expect(await round({ 'state/n': '1', 'state/d/e': 'e' })).toBeNull()
  expect(await round({})).toBe('1')
  expect(await round({ 'state/n': '2' }, 'failed')).toBe('1')
  expect(await round({ 'state/n': null })).toBe('1')
  expect(await round({})).toBeNull()
})

test('a job reads the state of those it needs', { timeout: 60_000 }, async () => {
  await using line = await carried('jobs: { build: { run: make }, test: { needs: build, run: test } }')
  await line.push()
  await line.pass('build', { write: { 'state/n': '7' } })
  let seen
  await line.pass('test', {
    act: async (workspace) => void (seen = await textOf(workspace, 'states/build/n')),
  })
  expect(seen).toBe('7')
})
