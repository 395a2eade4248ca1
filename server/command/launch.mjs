#!/usr/bin/env node
/**
 * The command `takt`, as npm links it.
 *
 * Machines come with all kinds of Node; Takt wants the one its package pins. So this file is plain JavaScript for Node 18 and
 * newer: it makes sure that the packages are installed and the dashboard is built, and hands over to the pinned Node.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = realpathSync(fileURLToPath(import.meta.url))
export const root = dirname(dirname(dirname(here)))
const modules = join(root, 'node_modules')
const lockFile = join(root, 'package-lock.json')
const installStamp = join(modules, '.takt-install')
const dist = join(root, 'ui', 'dist')
const buildStamp = join(dist, '.stamp')

const say = (line) => process.stderr.write(`takt: ${line}\n`)
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
const textOf = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
const timeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** What a person can act on; told without a stack. */
class Refusal extends Error {}

/** Install the packages, unless they are those of package-lock.json already. */
export function ensureInstalled() {
  if (isInstalled()) return
  withLock('install', () => {
    if (isInstalled()) return // somebody else did it while we waited
    say('installing packages, once (about 20 seconds) …')
    const args = [
      'ci',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-fund',
      '--no-audit',
      '--loglevel=error',
    ]
    finish(
      spawnSync('npm', args, { cwd: root, encoding: 'utf8' }),
      'the packages could not be installed (npm ci)',
    )
    mkdirSync(modules, { recursive: true }) // npm makes none where nothing is to be installed
    writeFileSync(installStamp, sha256(readFileSync(lockFile)))
  })
}

function isInstalled() {
  if (!existsSync(lockFile)) return true // installed as a package of another one: npm saw to it
  const wanted = sha256(readFileSync(lockFile))
  if (textOf(installStamp) === wanted) return true
  // A person may have called npm; it writes this file last.
  if (timeOf(join(modules, '.package-lock.json')) < timeOf(lockFile)) return false
  tryToWrite(installStamp, wanted)
  return true
}

/** Build the dashboard, unless what is built came from the present sources. */
export function ensureBuilt() {
  if (!existsSync(join(root, 'ui', 'index.html'))) return
  const wanted = sourcesHash()
  if (textOf(buildStamp) === wanted) return
  withLock('build', () => {
    if (textOf(buildStamp) === wanted) return
    const vite = join(modules, 'vite', 'bin', 'vite.js')
    if (!existsSync(vite))
      throw new Refusal(
        'the dashboard is not built and vite is not installed: run `npm ci` with its dev packages',
      )
    say('building the dashboard …')
    const built = spawnSync(pinnedNode(), [vite, 'build', 'ui', '--logLevel', 'error'], {
      cwd: root,
      encoding: 'utf8',
    })
    finish(built, 'the dashboard could not be built')
    writeFileSync(buildStamp, wanted)
  })
}

function sourcesHash() {
  const files = ['ui', 'pipelines'].flatMap((folder) => filesIn(join(root, folder))).sort()
  return sha256(
    readFileSync(lockFile),
    ...files.flatMap((file) => [file.slice(root.length), '\0', readFileSync(file), '\0']),
  )
}

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (path === dist || entry.name === 'node_modules' || entry.name.startsWith('.')) return []
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : []
  })
}

/** The Node of the package, or the machine's own where that is new enough. */
export function pinnedNode() {
  const pinned = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(pinned)) return pinned
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  throw new Refusal(
    `Takt needs Node 24 and npm has none for ${process.platform}-${process.arch}: ` +
      `install Node 24 or newer (this one is ${process.versions.node}) and call it again`,
  )
}

function finish(outcome, sentence) {
  if (outcome.status === 0) return
  const words = [outcome.stdout, outcome.stderr, outcome.error?.message].filter(Boolean).join('\n').trim()
  throw new Refusal(`${sentence}:\n${words}`)
}

function tryToWrite(path, text) {
  try {
    writeFileSync(path, text)
  } catch {
    // An install that is not ours to change, but good: the next call looks again.
  }
}

/** One at a time per checkout, between processes; the lock of a process that is no more counts for nothing. */
function withLock(name, work) {
  const path = join(tmpdir(), `takt-${name}-${process.getuid?.() ?? 0}-${sha256(root).slice(0, 12)}`)
  while (!taken(path)) {
    if (isStale(path)) rmSync(path, { force: true })
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  try {
    return work()
  } finally {
    rmSync(path, { force: true })
  }
}

function taken(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  }
}

function isStale(path) {
  const pid = Number(textOf(path))
  if (pid === 0) return Date.now() - timeOf(path) > 2_000 // made just now, and not yet written to
  try {
    return !process.kill(pid, 0)
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Hand over to the pinned Node, and end as it ends. */
function handOver(file, args) {
  // The channel says nothing; that it closes tells the child that its launcher was killed.
  const child = spawn(pinnedNode(), [file, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signalReachedAll(signal) || child.kill(signal))
  child.on('error', (error) => refuse(new Refusal(`${pinnedNode()} cannot be run: ${error.message}`)))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

/** A terminal sends Ctrl-C to every process in its foreground, the child too: passed on, it would count twice. */
function signalReachedAll(signal) {
  if (signal !== 'SIGINT') return false
  const [, , group, , , foreground] = textOf('/proc/self/stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return group !== undefined && group === foreground
}

function refuse(error) {
  say(error instanceof Refusal ? error.message : String(error?.stack ?? error))
  process.exit(1)
}

function main([command, ...rest]) {
  ensureInstalled()
  if (command === '--exec') return handOver(resolve(root, rest[0] ?? ''), rest.slice(1))
  if (command === 'up' || command === 'server') ensureBuilt()
  handOver(join(root, 'server', 'command', 'takt.ts'), command === undefined ? [] : [command, ...rest])
}

if (process.argv[1] && realpathSync(process.argv[1]) === here) {
  try {
    main(process.argv.slice(2))
  } catch (error) {
    refuse(error)
  }
}
