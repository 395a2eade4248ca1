import { execFile } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { startHouse } from '../support/server.ts'
import { settled } from '../support/told.ts'

const signed = (body: string, secret: string) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

test('the script for any git server reports pushes, signed for its project', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const { body: hook } = await house.ask('GET /api/v1/projects/shop/hook')
  const script = await house.ask('GET /hooks/git/post-receive', undefined, { as: null })
  expect(script.status).toBe(200)
  const file = join(git.bare, 'hooks', 'post-receive')
  await writeFile(file, script.text)
  await chmod(file, 0o755)
  const run = promisify(execFile)
  for (const command of hook.install.slice(1)) await run('sh', ['-c', command], { cwd: git.bare })

  const before = '0'.repeat(40)
  const sha = await git.clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  const report = () =>
    run('sh', ['-c', `echo '${before} ${sha} refs/heads/main' | hooks/post-receive`], { cwd: git.bare })
  expect((await report()).stderr).toBe('')
  expect((await settled(house))[0]).toMatchObject({ source: 'git', state: 'processed', project: 'shop' })
  await report()
  expect((await settled(house))[0]!.reason).toContain('was known')
  const onto = async (start: string, files: Record<string, string>) => {
    await git.clone.git('reset', '-q', '--hard', start)
    const after = await git.clone.push(files)
    await run('sh', ['-c', `echo '${sha} ${after} refs/heads/main' | hooks/post-receive`], { cwd: git.bare })
    const { body } = await house.db
      .selectFrom('deliveries')
      .select('body')
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow()
    return JSON.parse(body!.toString()).forced
  }
  expect(await onto(sha, { a: '1' })).toBe(false)
  await git.clone.git('checkout', '-q', '--orphan', 'anew')
  await git.clone.commit({ b: '1' })
  expect(await onto('HEAD', { b: '2' })).toBe(true)
})

test('a project’s hook opens to its own secret only', async () => {
  await using house = await startHouse()
  await house.ask('POST /api/v1/projects', { name: 'shop' })
  await house.ask('POST /api/v1/projects', { name: 'other' })
  const { body: hook } = await house.ask('GET /api/v1/projects/shop/hook')
  const body = JSON.stringify({ ref: 'refs/heads/main', after: 'a'.repeat(40) })
  const tell = (project: string) =>
    house.ask(`POST /hooks/git?project=${project}`, body, {
      as: null,
      headers: { 'x-takt-delivery': randomUUID(), 'x-takt-signature': signed(body, hook.secret) },
    })
  expect((await tell('other')).status).toBe(401)
  expect((await tell('nobody')).status).toBe(401)
  expect((await tell('shop')).status).toBe(202)
})
