import type { Page } from 'playwright-core'

/** What a page draws while somebody looks at it. */
export type Frames = {
  readonly perSecond: number
  /** Between one frame and the next, the longest time. */
  readonly longestMs: number
  /** Of each second so many milliseconds of its own thread; waiting for a processor does not count. */
  readonly busyMs: number
}

const OVER_MS = 3_000

export async function framesOf(page: Page): Promise<Frames> {
  await page.bringToFront()
  const busy = await busyTime(page)
  const before = await busy()
  const drawn: { frames: number; longestMs: number; ms: number } =
    await page.evaluate(`new Promise((resolve) => {
    let [frames, longestMs, begin] = [-1, 0, 0]
    let last = 0
    const step = (now) => {
      if (++frames === 0) begin = now
      else longestMs = Math.max(longestMs, now - last)
      last = now
      if (now - begin < ${OVER_MS}) requestAnimationFrame(step)
      else resolve({ frames, longestMs, ms: now - begin })
    }
    requestAnimationFrame(step)
  })`)
  const { frames, longestMs, ms } = drawn
  return {
    perSecond: (frames * 1_000) / ms,
    longestMs,
    busyMs: (((await busy()) - before) / ms) * 1_000,
  }
}

export const inFrames = ({ perSecond, longestMs, busyMs }: Frames): string =>
  `${perSecond.toFixed(0)} a second, the longest after ${longestMs.toFixed(0)} ms, ${busyMs.toFixed(0)} ms of work a second`

/** Tells how long the page's own thread has worked so far, in milliseconds; what it waited for a processor does not count. */
export async function busyTime(page: Page): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable')
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    return 1_000 * (metrics.find(({ name }) => name === 'ThreadTime')?.value ?? Number.NaN)
  }
}
