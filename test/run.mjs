/**
 * What `npm test` does: bring the machine in order, then every check, each under its heading, up to the first red one.
 *
 *   node test/run.mjs                 everything
 *   node test/run.mjs server [args]   one project of test/vitest.config.ts, or one folder of test/; args go to vitest
 *
 * Plain JavaScript: it may begin under any Node from 18 on. The checks themselves run under the pinned one.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ensureBuilt, ensureInstalled, pinnedNode, root } from '../server/command/launch.mjs'

const PROJECTS = ['pure', 'server', 'runner', 'ui', 'whole']
const NEEDS_MACHINE = ['runner', 'engines', 'ui', 'whole']
const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome']
const isRoot = process.getuid?.() === 0
const inCi = process.env.CI === 'true'
const scratch = mkdtempSync(join(tmpdir(), 'takt-run-'))
const [only, ...vitestArgs] = process.argv.slice(2)

const say = (line) => process.stdout.write(`${line}\n`)
const programIn = (...names) =>
  names
    .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name)))
    .find(isProgram)

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // the next folder of the path may have it
  }
}

let dockerd = null
let red = true
// A check that is interrupted is red, and then we still clear up after ourselves.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
try {
  ensureInstalled()
  const machine =
    only === undefined || NEEDS_MACHINE.includes(only) ? await prepareMachine() : { missing: [], env: {} }
  red = !checks(machine)
} finally {
  await stopDockerd()
  rmSync(scratch, { recursive: true, force: true })
}
process.exit(red ? 1 : 0)

/** Every check, or those that were asked for. @returns Whether all were green. */
function checks({ missing, env }) {
  for (const words of missing) say(`\n!! ${inCi ? 'MISSING' : 'SKIPPED'}: ${words}`)
  if (inCi && missing.length > 0) {
    say('\nCI must not skip: provide what is missing.')
    return false
  }
  const node =
    (script, ...args) =>
    () =>
      run(pinnedNode(), [join(root, 'node_modules', script), ...args], env)
  const stages = [
    ['format', node('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.')],
    ['types', node('typescript/bin/tsc', '-p', 'tsconfig.json')],
    [
      'types of the dashboard',
      node('svelte-check/bin/svelte-check', '--tsconfig', 'ui/tsconfig.json', '--fail-on-warnings'),
    ],
    ['build of the dashboard', () => (ensureBuilt(), true)],
    ['tests', () => tests(env, missing)],
  ]
  const hasUi = existsSync(join(root, 'ui', 'index.html'))
  const wanted = stages.filter(([name]) =>
    only === undefined ? hasUi || !/dashboard/.test(name) : /^(tests|build)/.test(name),
  )
  return wanted.every(([name, check]) => stage(name, check))
}

function stage(name, check) {
  say(`\n== ${name}`)
  const beganAt = Date.now()
  const green = check()
  say(`== ${name}: ${green ? 'good' : 'RED'} (${((Date.now() - beganAt) / 1000).toFixed(1)} s)`)
  return green
}

function tests(env, missing) {
  const summary = join(scratch, 'vitest.json')
  const what = only === undefined ? [] : PROJECTS.includes(only) ? ['--project', only] : [`test/${only}`]
  const reports = ['--reporter=default', '--reporter=json', `--outputFile=${summary}`]
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const green = run(
    pinnedNode(),
    [vitest, 'run', '--config', 'test/vitest.config.ts', ...what, ...reports, ...vitestArgs],
    env,
  )
  if (!existsSync(summary)) return false
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(summary, 'utf8'),
  )
  for (const words of missing) say(`!! SKIPPED: ${words}`)
  say(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`)
  return green
}

function run(program, args, env) {
  return (
    spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...cleanEnvironment(), ...env } })
      .status === 0
  )
}

/** The settings of a Takt that its developer uses are none of the tests' business. */
function cleanEnvironment() {
  const foreign = /^(TAKT_|DATABASE_URL$|GITHUB_)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}

/** Bring in what the tests use besides npm's packages. What cannot be had is named, with the reason. */
async function prepareMachine() {
  if (isRoot && programIn('apt-get')) installMissing()
  const why = await ensureDocker()
  const chromium = programIn(...CHROMIUMS)
  const missing = []
  if (why) missing.push(`no Docker engine: ${why}; nothing that needs one is tested`)
  if (!chromium) missing.push('no chromium: nothing is tested in a browser')
  const pushing = ['docker-registry', 'skopeo'].filter((program) => !programIn(program))
  if (pushing.length > 0) missing.push(`no ${pushing.join(' and no ')}: no image is pushed`)
  return {
    missing,
    env: {
      TAKT_TEST_DOCKER: why ? '0' : '1',
      TAKT_TEST_DOCKER_WHY: why ?? '',
      TAKT_TEST_CHROMIUM: chromium ?? '',
    },
  }
}

function installMissing() {
  const wanted = [
    ['chromium', programIn(...CHROMIUMS)],
    ['docker.io', programIn('dockerd')],
    ['iptables', programIn('iptables') ?? isProgram('/usr/sbin/iptables')],
    ['busybox-static', programIn('busybox')],
    ['git', programIn('git')],
    ['git-lfs', programIn('git-lfs')],
    ['crun', programIn('crun')],
    ['docker-registry', programIn('docker-registry')],
    ['skopeo', programIn('skopeo')],
    ['ca-certificates', existsSync('/etc/ssl/certs/ca-certificates.crt')],
  ]
  const missing = wanted.filter(([, found]) => !found).map(([name]) => name)
  if (missing.length === 0) return
  say(`installing ${missing.join(', ')} with apt-get …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) => spawnSync('apt-get', args, { env, encoding: 'utf8' })
  const outcomes = [apt('update', '-q'), apt('install', '-y', '-q', '--no-install-recommends', ...missing)]
  const failed = outcomes.find(({ status }) => status !== 0)
  // What is still missing is named below; this says why.
  if (failed) say(`apt-get did not manage:\n${failed.stderr.trim()}`)
}

/** @returns Why there is no Docker engine, or undefined when one answers. */
async function ensureDocker() {
  if (await engineAnswers()) return undefined
  if (!programIn('dockerd')) return 'none answers and dockerd is not installed'
  if (!isRoot) return 'none answers and only root may start dockerd'
  const logFile = join(tmpdir(), 'takt-dockerd.log')
  const log = openSync(logFile, 'w')
  say('starting dockerd …')
  dockerd = spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const ended = new Promise((resolve) => dockerd.once('exit', () => resolve(true)))
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 200) {
    if (await engineAnswers()) return undefined
    if (await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200, false))])) break
  }
  return `dockerd does not start:\n${readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n')}`
}

function engineAnswers() {
  const host = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
  const where = host.startsWith('unix://')
    ? { socketPath: host.slice('unix://'.length) }
    : { host: new URL(host).hostname, port: new URL(host).port }
  return new Promise((resolve) => {
    const asked = request({ ...where, path: '/_ping', timeout: 2_000 }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

async function stopDockerd() {
  if (!dockerd || dockerd.exitCode !== null) return
  const ended = new Promise((resolve) => dockerd.once('exit', resolve))
  dockerd.kill('SIGTERM')
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 15_000))])
}
