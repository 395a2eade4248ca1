import { measureDispatch, report } from './dispatch.ts'
import { docker } from './floor.ts'
import { startProcesses } from './house.ts'
import { measureIdle } from './idle.ts'

/** `npm run bench`: ratios to the floor of this machine in this very run. Needs a Docker engine and an otherwise idle machine. */
await docker.ping().catch(() => {
  console.error(
    'The benchmarks need a Docker engine, and none answers at DOCKER_HOST or /var/run/docker.sock.',
  )
  process.exit(2)
})
console.log('Starting server, PostgreSQL and runner …')
await using house = await startProcesses()
const { firstLine, dependent } = await measureDispatch(house)
console.log(report('webhook accepted → first log line', firstLine, 1.5))
console.log(report('job finished → dependent’s container started', dependent, 1.3))
console.log(await measureIdle(house.server.pid ?? 0))
