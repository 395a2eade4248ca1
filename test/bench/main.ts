import { measureCrowd, measureQueue } from './crowd.ts'
import { startDatabases } from './database.ts'
import { measureDispatch, report } from './dispatch.ts'
import { docker } from './floor.ts'
import { startProcesses } from './house.ts'
import { measureIdle } from './idle.ts'
import { measureLargeLine } from './large-line.ts'
import { measureLive } from './live.ts'
import { measureLog } from './log.ts'
import { measurePages } from './pages.ts'
import { measureRunner } from './runner.ts'
import { measureHistory, measureLargePipeline } from './scale.ts'
import { measureSlots } from './slots.ts'

/**
 * `npm run bench [dispatch|live|log|pages|runner|scale]`: ratios on this machine in this very run. All but `scale` need a Docker engine, `pages` a
 * Chromium; all of it an otherwise idle machine.
 */
const PARTS = { dispatch, live, log, pages, runner, scale }
const asked = process.argv.slice(2)
const unknown = asked.find((part) => !(part in PARTS))
if (unknown !== undefined) {
  console.error(`There is no part \`${unknown}\`; there are ${Object.keys(PARTS).join(' and ')}.`)
  process.exit(2)
}
for (const [name, measure] of Object.entries(PARTS))
  if (asked.length === 0 || asked.includes(name)) await measure()

async function needDocker(): Promise<void> {
  await docker.ping().catch(() => {
    console.error(
      'The benchmarks need a Docker engine, and none answers at DOCKER_HOST or /var/run/docker.sock.',
    )
    process.exit(2)
  })
}

async function dispatch(): Promise<void> {
  await needDocker()
  console.log('Starting server, PostgreSQL and runner …')
  await using house = await startProcesses()
  const { firstLine, dependent } = await measureDispatch(house)
  console.log(report('webhook accepted → first log line', firstLine, 1.5))
  console.log(report('job finished → dependent’s first step begun', dependent, 1.3))
  console.log(`idle server: ${(await measureIdle(house.pid)).words}`)
}

/** Its runs need no container: fifty of them would be a measure of the engine. */
async function live(): Promise<void> {
  console.log('Starting server, PostgreSQL and runner …')
  await using house = await startProcesses({ TAKT_ENGINE: 'local', TAKT_SLOTS: '50' })
  for await (const line of measureLive(house)) console.log(line)
}

async function log(): Promise<void> {
  await needDocker()
  console.log('Starting server, PostgreSQL and runner …')
  await using house = await startProcesses()
  for (const line of await measureLog(house)) console.log(line)
}

async function pages(): Promise<void> {
  await needDocker()
  console.log('Starting server, PostgreSQL and runner …')
  await using house = await startProcesses()
  for (const line of await measurePages(house)) console.log(line)
  for (const line of await measureLargeLine()) console.log(line)
}

async function runner(): Promise<void> {
  await needDocker()
  for (const line of await measureRunner()) console.log(line)
  console.log(await measureSlots())
}

async function scale(): Promise<void> {
  console.log('Writing a history of a million versions and a million runs: this takes a few minutes …')
  await using databases = await startDatabases()
  console.log(await measureHistory(databases))
  console.log(await measureLargePipeline(databases))
  for (const line of await measureCrowd(databases)) console.log(line)
  console.log(await measureQueue(databases))
}
