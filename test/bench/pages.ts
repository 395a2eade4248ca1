import { type Browser, chromium, type Page } from 'playwright-core'
import { CHROMIUM, CHROMIUM_FLAGS } from '../support/chromium.ts'
import { publicGit } from '../support/public-git.ts'
import { startBare } from './bare.ts'
import { deliver } from './dispatch.ts'
import { busyTime } from './frames.ts'
import type { BenchHouse } from './house.ts'
import { median } from './median.ts'

const ROUNDS = 5
const IMAGE = 'takt-demo:1'
const LINES = 1_000_000
/** A hundred bytes a line; the last but one is what somebody looks for, and the run fails at its end. */
const SAY = `awk 'BEGIN { for (line = 1; line <= ${LINES}; line++) printf "%08d %s\\n", line, "the quick brown fox jumps over the lazy dog, again and again and again, until nobody listens" }'`
const LAST = 'Error: nobody listened'
const FILE = `jobs: { say: { when: push, image: "${IMAGE}", run: ${JSON.stringify(`${SAY}; echo '${LAST}'; exit 1`)} } }\n`

/** The dashboard in a real browser: its first page, and a log of a million lines that is opened, scrolled and searched. */
export async function measurePages(house: BenchHouse): Promise<string[]> {
  await using git = await publicGit('bench-pages')
  await house.ask('POST /api/v1/projects', { name: 'pages', repository: { url: git.url } })
  const hook = await house.ask('GET /api/v1/projects/pages/hook')
  const sha = await git.clone.push({ '.takt.yml': FILE })
  await deliver(hook.url, hook.secret, sha)
  const run = await failed(house)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  try {
    return [...(await firstPage(browser, house)), ...(await longLog(browser, house, run))]
  } finally {
    await browser.close()
  }
}

async function failed(house: BenchHouse): Promise<number> {
  for (;;) {
    const { items } = await house.ask('GET /api/v1/runs?project=pages&state=failed')
    if (items[0]) return items[0].id
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** A browser of somebody's own, with nothing kept from before. */
async function visit(browser: Browser, house: BenchHouse): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const { url } = await house.ask('POST /api/v1/login-links')
  await page.goto(url)
  await page.getByRole('heading', { name: 'pages' }).waitFor()
  return page
}

async function firstPage(browser: Browser, house: BenchHouse): Promise<string[]> {
  await using bare = await startBare()
  const times: number[] = []
  const floor: number[] = []
  const work: number[] = []
  let bytes = 0
  for (let round = 0; round < ROUNDS; round++) {
    const page = await visit(browser, house)
    const state = await page.context().storageState()
    await page.close()
    const context = await browser.newContext({ storageState: state, viewport: { width: 1280, height: 900 } })
    const fresh = await context.newPage()
    const busy = await busyTime(fresh)
    const before = performance.now()
    await fresh.goto(bare.url)
    const [begin, worked] = [performance.now(), await busy()]
    floor.push(begin - before)
    await fresh.goto(house.url)
    await fresh.getByRole('heading', { name: 'pages' }).waitFor()
    times.push(performance.now() - begin)
    work.push((await busy()) - worked)
    bytes = await fresh.evaluate(`
      performance.getEntriesByType('resource')
        .filter((entry) => entry.name.endsWith('.js'))
        .reduce((sum, entry) => sum + entry.encodedBodySize, 0)`)
    await context.close()
  }
  return [
    `the first page is there and can be used after ${median(times).toFixed(0)} ms (< 1000 asked for), with ${(bytes / 1_000).toFixed(0)} kB of script (< 150)`,
    `  of which the page works ${median(work).toFixed(0)} ms; a bare page is there after ${median(floor).toFixed(0)} ms`,
  ]
}

async function longLog(browser: Browser, house: BenchHouse, run: number): Promise<string[]> {
  const opened: number[] = []
  const searched: number[] = []
  const rates: number[] = []
  let rows = 0
  for (let round = 0; round < ROUNDS; round++) {
    const page = await visit(browser, house)
    const begin = performance.now()
    await page.goto(`${house.url}/runs/${run}`)
    await page.getByText(LAST, { exact: true }).waitFor()
    opened.push(performance.now() - begin)
    const scrolled = await scroll(page)
    rates.push(scrolled.perSecond)
    rows = Math.max(rows, scrolled.rows)
    await page.keyboard.press('/')
    const asked = performance.now()
    await page.getByRole('searchbox', { name: 'Search in the whole log' }).fill('00777777')
    await page.getByText('1 of 1 line').waitFor()
    await page.locator('mark').first().waitFor()
    searched.push(performance.now() - asked)
    await page.close()
  }
  return [
    `a log of ${LINES.toLocaleString('en')} lines is open after ${median(opened).toFixed(0)} ms (< 500 asked for)`,
    `  scrolled at ${median(rates).toFixed(0)} frames a second (60), at most ${rows} lines drawn (< 200)`,
    `  a word is found in it, and shown, after ${median(searched).toFixed(0)} ms (< 1000), of which 250 wait for the next letter`,
  ]
}

type Scrolled = { readonly perSecond: number; readonly rows: number }

/** Through the log for two seconds, half a page with each frame. */
const scroll = (page: Page): Promise<Scrolled> =>
  page.evaluate(`new Promise((resolve) => {
    let [frames, rows, begin] = [0, 0, performance.now()]
    const step = () => {
      frames++
      rows = Math.max(rows, document.querySelectorAll('[data-line]').length)
      scrollBy(0, -450)
      const ms = performance.now() - begin
      if (ms < 2000) requestAnimationFrame(step)
      else resolve({ perSecond: (frames * 1000) / ms, rows })
    }
    requestAnimationFrame(step)
  })`)
