import type { Page } from 'playwright-core'

/** From the moment at which a change is asked for to the frame that shows it, in milliseconds, one for each round. */
export type Pixels = readonly number[]

/** Nobody waits for a change this long: it was missed, and the measure is worth nothing. */
const MOST_MS = 20_000

/**
 * Ask for something that makes words appear, and see when they have been drawn. Page and asker read the same machine's clock.
 *
 * @param does  Asks for it. What it takes is in the measure.
 */
export async function pixelsOf(page: Page, words: string, does: () => Promise<unknown>): Promise<number> {
  await page.evaluate(`void (window.shown = new Promise((resolve) => {
    const drawn = () => requestAnimationFrame(() => {
      const after = new MessageChannel()
      after.port1.onmessage = () => resolve(Date.now())
      after.port2.postMessage(null)
    })
    const look = () => {
      if (!document.body.textContent.includes(${JSON.stringify(words)})) return
      seen.disconnect()
      drawn()
    }
    const seen = new MutationObserver(look)
    seen.observe(document.body, { subtree: true, childList: true, characterData: true })
    setTimeout(() => resolve(null), ${MOST_MS})
  }))`)
  const begin = Date.now()
  await does()
  const shown: number | null = await page.evaluate('window.shown')
  if (shown === null) throw new Error(`the page has not shown “${words}” within ${MOST_MS} ms`)
  return shown - begin
}

/** How old the newest line of a log is when it is drawn: each line begins with the microsecond at which it was said. */
export const agesOfLines = (page: Page, count: number): Promise<Pixels> =>
  page.evaluate(`new Promise((resolve) => {
    const ages = []
    let newest = 0
    const look = () => {
      const said = [...document.querySelectorAll('[data-line]')].slice(-5)
        .map((row) => Number(/said at (\\d+)/.exec(row.textContent)?.[1] ?? 0) / 1000)
      const last = Math.max(0, ...said)
      if (last <= newest) return
      newest = last
      requestAnimationFrame(() => {
        const after = new MessageChannel()
        after.port1.onmessage = () => {
          ages.push(Date.now() - last)
          if (ages.length < ${count}) return
          seen.disconnect()
          resolve(ages)
        }
        after.port2.postMessage(null)
      })
    }
    const seen = new MutationObserver(look)
    seen.observe(document.body, { subtree: true, childList: true, characterData: true })
    setTimeout(() => resolve(ages), ${MOST_MS})
  })`)

export function inPixels(times: Pixels): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => (sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN).toFixed(0)
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)} ms`
}
