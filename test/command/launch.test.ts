import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { ROOT, scratch } from './run-takt.ts'

const TAKT = `
  import { existsSync } from 'node:fs'
  const [command]: string[] = process.argv.slice(2)
  const tell = () => console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() }))
  if (command === 'wait') {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => setTimeout(() => process.exit(signal === 'SIGINT' ? 41 : 42), 100))
    setInterval(() => {}, 1000)
  } else if (command === 'orphan') {
    process.on('disconnect', () => process.exit(existsSync('/') ? 0 : 1))
    setInterval(() => {}, 1000)
  } else process.exitCode = 7
  tell()`
const LOCK = { name: 'house', lockfileVersion: 3, requires: true, packages: { '': { name: 'house' } } }

/** A small package with the real launcher, a command that tells what it was given, and nothing to install. */
async function house() {
  const place = await scratch()
  const root = join(place.path, 'house')
  await mkdir(join(root, 'server/command'), { recursive: true })
  await copyFile(join(ROOT, 'server/command/launch.mjs'), join(root, 'server/command/launch.mjs'))
  await writeFile(join(root, 'server/command/takt.ts'), TAKT)
  await writeFile(join(root, 'package.json'), JSON.stringify({ name: 'house', type: 'module' }))
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(LOCK))
  return { ...place, root, launcher: join(root, 'server/command/launch.mjs') }
}

function launch(launcher: string, args: readonly string[], cwd = '/') {
  const child = spawn(process.execPath, [launcher, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = Promise.all([once(child, 'exit'), text(child.stderr)]).then(([[code], err]) => ({
    code: code as number,
    err,
  }))
  return { child, ended }
}

async function launched(launcher: string, args: readonly string[], cwd?: string) {
  const { child, ended } = launch(launcher, args, cwd)
  const [out, outcome] = await Promise.all([text(child.stdout), ended])
  return { ...outcome, out }
}

test('the first call installs, once, and every call passes on arguments, place and exit code', async () => {
  await using here = await house()
  const first = await launched(here.launcher, ['runs', 'list', '--json'], here.path)
  expect(first).toMatchObject({ code: 7, err: 'takt: installing packages, once (about 20 seconds) …\n' })
  expect(JSON.parse(first.out)).toEqual({ args: ['runs', 'list', '--json'], cwd: here.path })
  expect(await launched(here.launcher, [])).toMatchObject({ code: 7, err: '' })
})

test('a changed lock file installs again; what a person installed is taken as it is', async () => {
  await using here = await house()
  await launched(here.launcher, [])
  const later = new Date(Date.now() + 5_000)
  const lock = join(here.root, 'package-lock.json')
  await writeFile(lock, JSON.stringify(LOCK, null, 2))
  await utimes(lock, later, later)
  expect((await launched(here.launcher, [])).err).toMatch(/installing packages/)

  await writeFile(lock, JSON.stringify(LOCK, null, 4))
  await writeFile(join(here.root, 'node_modules/.package-lock.json'), '{}')
  expect((await launched(here.launcher, [])).err).toBe('')
})

test('a failed install says npm’s words and ends with 1', async () => {
  await using here = await house()
  await writeFile(
    join(here.root, 'package.json'),
    JSON.stringify({ name: 'house', dependencies: { 'not-in-the-lock': '1.0.0' } }),
  )
  const { code, err, out } = await launched(here.launcher, [])
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/could not be installed \(npm ci\):\n.*not-in-the-lock/s)
})

test('it finds its package through a link, as npm makes one', async () => {
  await using here = await house()
  const link = join(here.path, 'takt')
  await symlink(here.launcher, link)
  expect(await launched(link, ['x'])).toMatchObject({ code: 7 })
})

test('--exec runs another file of the package', async () => {
  await using here = await house()
  await writeFile(
    join(here.root, 'other.ts'),
    `const n: number = 5\nconsole.log(process.argv.slice(2).join())\nprocess.exit(n)`,
  )
  expect(await launched(here.launcher, ['--exec', 'other.ts', 'a', 'b'])).toMatchObject({
    code: 5,
    out: 'a,b\n',
  })
})

test.each([
  ['SIGINT', 41],
  ['SIGTERM', 42],
] as const)('%s reaches the command, which ends in its own time', async (signal, exitCode) => {
  await using here = await house()
  const { child, ended } = launch(here.launcher, ['wait'])
  await once(createInterface(child.stdout), 'line')
  child.kill(signal)
  expect(await ended).toMatchObject({ code: exitCode })
})

test('a command hears that its launcher was killed', async () => {
  await using here = await house()
  const { child } = launch(here.launcher, ['orphan'])
  const lines = createInterface(child.stdout)
  await once(lines, 'line')
  child.kill('SIGKILL')
  await once(lines, 'close') // the last one that held its output is gone
})

test('the dashboard is built for those who serve it, and again when a source changed', async () => {
  await using here = await house()
  await launched(here.launcher, [])
  await mkdir(join(here.root, 'ui'))
  await mkdir(join(here.root, 'pipelines'))
  await mkdir(join(here.root, 'node_modules/vite/bin'), { recursive: true })
  await writeFile(join(here.root, 'ui/index.html'), 'one')
  const vite = `require('fs').mkdirSync('ui/dist', { recursive: true }); require('fs').appendFileSync('built', process.argv[3])`
  await writeFile(join(here.root, 'node_modules/vite/bin/vite.js'), vite)

  expect((await launched(here.launcher, ['runs'])).err).toBe('')
  expect((await launched(here.launcher, ['server'])).err).toBe('takt: building the dashboard …\n')
  expect((await launched(here.launcher, ['up'])).err).toBe('')
  await writeFile(join(here.root, 'ui/index.html'), 'two')
  expect((await launched(here.launcher, ['up'])).err).toBe('takt: building the dashboard …\n')
  expect(await readFile(join(here.root, 'built'), 'utf8')).toBe('uiui')
})
