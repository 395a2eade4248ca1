import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { DashboardSays, Topic } from '#pipelines/wire/live.ts'
import { publicGit } from '../support/public-git.ts'
import { type Bare, startBare } from './bare.ts'
import { startBrowser } from './browser.ts'
import { costs } from './costs.ts'
import { deliver } from './dispatch.ts'
import { framesOf, inFrames } from './frames.ts'
import type { BenchHouse } from './house.ts'
import { type Onlookers, startOnlookers } from './onlookers.ts'
import { agesOfLines, inPixels, type Pixels, pixelsOf } from './pixels.ts'

const ROUNDS = 40
const ACCOUNTS = 20
/** Of each account: one may have no more than a hundred. */
const SOCKETS_EACH = 50
const RUNS = 50
const LINES = 60
const LEGS = Array.from({ length: RUNS }, (_, leg) => leg)
/** Ten lines a second of each, five at a time as builds print; without a process for each, that would be a measure of forks. */
const SAY = `bash -c 'exec 3<> <(:); for line in {1..3000}; do echo "line $line, said at \${EPOCHREALTIME/./}"; (( line % 5 )) || read -t 0.5 -u 3; done'`
const FILE = `jobs:
  idle: { when: manual, run: 'true' }
  stream: { when: manual, matrix: { leg: [${LEGS.join(', ')}] }, run: ${JSON.stringify(SAY)} }
`
/** A machine that is busy with something else is not waited for: what is measured then says of how many. */
const MOST_START_MS = 60_000
const LINE = '/p/live/main?job=idle'
const JOBS = '/api/v1/projects/live/pipelines/main/jobs'

/** A thousand sockets that watch, a browser among them, and fifty runs that say something: how soon a change is on the screen. */
export async function* measureLive(house: BenchHouse): AsyncGenerator<string> {
  await using git = await publicGit('bench-live')
  await house.ask('POST /api/v1/projects', { name: 'live', repository: { url: git.url } })
  const hook = await house.ask('GET /api/v1/projects/live/hook')
  const sha = await git.clone.push({ '.takt.yml': FILE })
  await using bare = await startBare()
  const wanted = { secrets: await accounts(house), each: SOCKETS_EACH }
  const after = await cursorOf(house)
  const begin = performance.now()
  const address = `${house.url.replace('http', 'ws')}/live`
  await using onlookers = await startOnlookers({ ...wanted, address, says: watching(after) })
  const secondsToOpen = ((performance.now() - begin) / 1_000).toFixed(1)
  yield `${ACCOUNTS * SOCKETS_EACH} sockets are open after ${secondsToOpen} s`
  await using _floor = await startOnlookers({ ...wanted, address: bare.sockets, says: [] })
  await using browser = await startBrowser()
  await using beside = await startBrowser()
  const context = { browser, beside, house, bare, onlookers }
  await deliver(hook.url, hook.secret, sha)
  await known(house)
  yield `a change is on the screen while nothing runs: ${await changes(context)}`
  await house.ask(`POST ${JOBS}/stream/runs`, {})
  yield `${await running(house)} of ${RUNS} runs stream, ten lines a second each`
  yield `a change is on the screen meanwhile (p95 < 250 ms asked for): ${await changes(context)}`
  yield `a line that one of them says is on the screen: ${await ages(context)}`
  yield 'frames meanwhile (60 a second asked for):'
  yield* frames(context)
}

type Context = {
  readonly browser: Browser
  /** For the floor: of two pages in one browser only the one in front is drawn. */
  readonly beside: Browser
  readonly house: BenchHouse
  readonly bare: Bare
  readonly onlookers: Onlookers
}

const [ALL, PROJECT] = [{ of: 'all' }, { of: 'project', project: 'live' }] as const
/** What pages watch: the first page everything, a line and a run also their project. */
const PAGES: readonly (readonly Topic[])[] = [[ALL], [ALL, PROJECT]]
const watching = (after: number): DashboardSays[][] =>
  PAGES.map((topics) => topics.map((topic, index) => ({ say: 'watch', watch: index + 1, topic, after })))

/** As many people as it takes. */
async function accounts(house: BenchHouse): Promise<string[]> {
  const path = '/api/v1/organizations/default/service-accounts'
  const secrets: string[] = []
  for (let account = 0; account < ACCOUNTS; account++) {
    await house.ask(`POST ${path}`, { name: `watcher-${account}`, role: 'viewer' })
    secrets.push((await house.ask(`POST ${path}/watcher-${account}/tokens`, { name: 'bench' })).secret)
  }
  return secrets
}

/** Where a page that opens now begins to follow. */
async function cursorOf({ url, token }: BenchHouse): Promise<number> {
  const response = await fetch(`${url}/api/v1/projects`, { headers: { authorization: `Bearer ${token}` } })
  await response.text()
  return Number(response.headers.get('takt-cursor'))
}

const runsIn = async (house: BenchHouse, state: string): Promise<{ readonly id: number }[]> =>
  (await house.ask(`GET /api/v1/runs?project=live&state=${state}&limit=100`)).items

/** @returns How many run, when all of them do or the time is up. */
async function running(house: BenchHouse): Promise<number> {
  for (const begin = performance.now(); ;) {
    const { length } = await runsIn(house, 'running')
    if (length >= RUNS || performance.now() - begin > MOST_START_MS) return length
    await delay(200)
  }
}

async function known(house: BenchHouse): Promise<void> {
  while ((await house.ask('GET /api/v1/pipelines')).items.length === 0) await delay(100)
}

async function visit({ browser, house }: Context, path: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const { url } = await house.ask('POST /api/v1/login-links')
  await page.goto(url)
  await page.waitForURL((address) => address.pathname === '/')
  await page.goto(house.url + path)
  return page
}

/** A job is paused and goes on again, beside the same words said by the bare server, in turns. */
async function changes(context: Context): Promise<string> {
  const { beside, house, bare, onlookers } = context
  const page = await visit(context, LINE)
  await page.getByRole('dialog', { name: 'idle' }).waitFor()
  const floor = await beside.newPage({ viewport: { width: 1280, height: 900 } })
  await floor.goto(bare.url)
  const job = `${JOBS}/idle`
  const times: { takt: number[]; floor: number[] } = { takt: [], floor: [] }
  const [heard, spent, begin] = [await onlookers.count(), await costs(house), performance.now()]
  for (let round = -3; round < ROUNDS; round++) {
    const words = `round ${round} of ${Date.now()}`
    const takt = await pixelsOf(page, words, () => house.ask(`POST ${job}/pause`, { reason: words }))
    const least = await pixelsOf(floor, words, async () => bare.say(words))
    await house.ask(`POST ${job}/resume`, {})
    if (round < 0) continue // the first rounds warm caches on both sides
    times.takt.push(takt)
    times.floor.push(least)
  }
  const after = await onlookers.count()
  const seconds = (performance.now() - begin) / 1_000
  const now = await costs(house)
  await page.close()
  await floor.close()
  const share = Object.entries(now).map(
    ([part, ms]) => `${part} ${((ms - (spent[part] ?? 0)) / seconds / 10).toFixed(0)} %`,
  )
  return `${inPixels(times.takt)}; floor ${inPixels(times.floor)}\n    meanwhile ${((after.messages - heard.messages) / seconds).toFixed(0)} messages a second to all, and of a core ${share.join(', ')}`
}

async function ages(context: Context): Promise<string> {
  const [run] = await runsIn(context.house, 'running')
  const page = await visit(context, `/runs/${run?.id}`)
  await page
    .getByText(/^line \d+, said at/)
    .first()
    .waitFor()
  const times: Pixels = await agesOfLines(page, LINES)
  await page.close()
  return `${inPixels(times)} (${times.length} of them; five are said at a time)`
}

/** Pages while the runs stream, beside a bare page that is told as much. */
async function* frames(context: Context): AsyncGenerator<string> {
  const { beside, bare, house } = context
  const floor = await beside.newPage({ viewport: { width: 1280, height: 900 } })
  await floor.goto(bare.url)
  const said = setInterval(() => bare.say(`line ${Date.now()} of a run that goes on`), 100)
  const [run] = await runsIn(house, 'running')
  const pages = { 'the first page': '/', 'the line': '/p/live/main', 'a run and its log': `/runs/${run?.id}` }
  for (const [name, path] of Object.entries(pages)) {
    const page = await visit(context, path)
    const drawn = path.startsWith('/runs') ? /^line \d+, said at/ : 'stream'
    await page.getByText(drawn).first().waitFor()
    await page.evaluate('new Promise((next) => setTimeout(next, 1000))')
    yield `  ${name}: ${inFrames(await framesOf(page))}`
    await page.close()
    yield `    floor: ${inFrames(await framesOf(floor))}`
  }
  clearInterval(said)
  await floor.close()
}
