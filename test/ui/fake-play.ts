import { fileURLToPath } from 'node:url'
import { serveFake } from './fake-server.ts'
import { fullWorld } from './fake-house.ts'
import { SHOP, testLine } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

/** By hand: `node test/ui/fake-play.ts [full|empty] [port]` serves ui/dist over a world that keeps moving. Token: good-token. */
const [kind = 'full', port = '8099'] = process.argv.slice(2)
const world = kind === 'empty' ? new FakeWorld() : fullWorld()
const server = await serveFake(world, {
  port: Number(port),
  dist: fileURLToPath(new URL('../../ui/dist', import.meta.url)),
})
console.log(`${server.url}/login#good-link`)

const shop = world.line(SHOP.project, SHOP.name)
const unit = shop?.jobs.find((job) => job.name === 'unit')?.last_run
const run = unit ? world.runs.get(unit.id) : undefined
let at = 0
if (run) setInterval(() => world.print(run, { step: 1, text: testLine(++at) }), 250)
