import { chromium, type Browser, type Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { CHROMIUM, CHROMIUM_FLAGS } from '../support/chromium.ts'
import { publicGit } from '../support/public-git.ts'
import { deliver } from './dispatch.ts'
import type { BenchHouse } from './house.ts'
import { median } from './median.ts'

const ROUNDS = 50
const ACCOUNTS = 20
/** Of each account: one may have no more than a hundred. */
const SOCKETS_EACH = 50
const RUNS = 50
const LEGS = Array.from({ length: RUNS }, (_, leg) => leg)
/** Ten lines a second of each. */
const SAY =
  'line=0; while [ $line -lt 3000 ]; do line=$((line + 1)); echo "line $line of a run that goes on"; sleep 0.1; done'
const FILE = `jobs:
  idle: { when: manual, run: 'true' }
  stream: { when: push, matrix: { leg: [${LEGS.join(', ')}] }, run: ${JSON.stringify(SAY)} }
`

/** A thousand sockets that watch, a browser among them, and fifty runs that say something: how soon a change is on the screen. */
export async function measureLive(house: BenchHouse): Promise<string[]> {
  await using git = await publicGit('bench-live')
  await house.ask('POST /api/v1/projects', { name: 'live', repository: { url: git.url } })
  const hook = await house.ask('GET /api/v1/projects/live/hook')
  const sha = await git.clone.push({ '.takt.yml': FILE })
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  const sockets = await watching(house)
  try {
    await deliver(hook.url, hook.secret, sha)
    await running(house, 1)
    const streaming = await pixels(browser, house)
    await running(house, RUNS)
    const frames = await framesOn(browser, house)
    for (const { id } of (await house.ask('GET /api/v1/runs?project=live&limit=100')).items)
      await house.ask(`POST /api/v1/runs/${id}/cancel`, { reason: 'measured' }).catch(() => {}) // it has ended by itself
    await running(house, 0)
    const quiet = await pixels(browser, house)
    return [
      `a change is on the screen, with ${sockets.length} sockets open: ${quiet} (p95 < 250 asked for)`,
      `  while ${RUNS} runs stream ten lines a second each: ${streaming}`,
      `a run's page, and the first page, while ${RUNS} runs stream: ${frames.join(' and ')} frames a second (60)`,
    ]
  } finally {
    for (const socket of sockets) socket.terminate()
    await browser.close()
  }
}

/** Everything, by as many people as it takes. */
async function watching(house: BenchHouse): Promise<WebSocket[]> {
  const address = `${house.url.replace('http', 'ws')}/live`
  const sockets: WebSocket[] = []
  for (let account = 0; account < ACCOUNTS; account++) {
    const path = '/api/v1/organizations/default/service-accounts'
    await house.ask(`POST ${path}`, { name: `watcher-${account}`, role: 'viewer' })
    const { secret } = await house.ask(`POST ${path}/watcher-${account}/tokens`, { name: 'bench' })
    for (let each = 0; each < SOCKETS_EACH; each++) {
      const socket = new WebSocket(address, { headers: { authorization: `Bearer ${secret}` } })
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      socket.send(JSON.stringify({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 }))
      sockets.push(socket)
    }
  }
  return sockets
}

async function running(house: BenchHouse, count: number): Promise<void> {
  for (;;) {
    const { items } = await house.ask('GET /api/v1/runs?project=live&state=running&limit=100')
    if (count === 0 ? items.length === 0 : items.length >= count) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function visit(browser: Browser, house: BenchHouse, path: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const { url } = await house.ask('POST /api/v1/login-links')
  await page.goto(url)
  await page.waitForURL((address) => address.pathname === '/')
  await page.goto(house.url + path)
  return page
}

/** From the moment at which somebody asks for a change to the frame that shows it: the server's writing is in it. */
async function pixels(browser: Browser, house: BenchHouse): Promise<string> {
  const page = await visit(browser, house, '/p/live/main?job=idle')
  await page.getByRole('dialog', { name: 'idle' }).waitFor()
  const job = '/api/v1/projects/live/pipelines/main/jobs/idle'
  const times: number[] = []
  for (let round = -5; round < ROUNDS; round++) {
    const words = `round ${round} of ${Date.now()}`
    await page.evaluate(`window.shown = new Promise((resolve) => {
      const look = () => {
        if (!document.body.textContent.includes(${JSON.stringify(words)})) return
        seen.disconnect()
        requestAnimationFrame(() => resolve(Date.now()))
      }
      const seen = new MutationObserver(look)
      seen.observe(document.body, { subtree: true, childList: true, characterData: true })
    })`)
    const begin = Date.now()
    await house.ask(`POST ${job}/pause`, { reason: words })
    const shown: number = await page.evaluate('window.shown')
    if (round >= 0) times.push(shown - begin)
    await house.ask(`POST ${job}/resume`, {})
  }
  await page.close()
  const p95 = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN
  return `after ${median(times).toFixed(0)} ms, p95 ${p95} ms`
}

/** Frames a second over five seconds. */
async function framesOn(browser: Browser, house: BenchHouse): Promise<number[]> {
  const { items } = await house.ask('GET /api/v1/runs?project=live&state=running&limit=1')
  const rates: number[] = []
  for (const path of [`/runs/${items[0].id}`, '/']) {
    const page = await visit(browser, house, path)
    await page
      .getByText(path === '/' ? 'stream' : /^line \d+ of a run/)
      .first()
      .waitFor()
    const rate: number = await page.evaluate(`new Promise((resolve) => {
      let [frames, begin] = [0, performance.now()]
      const step = () => {
        frames++
        const ms = performance.now() - begin
        if (ms < 5000) requestAnimationFrame(step)
        else resolve((frames * 1000) / ms)
      }
      requestAnimationFrame(step)
    })`)
    rates.push(Math.round(rate))
    await page.close()
  }
  return rates
}
