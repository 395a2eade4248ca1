import { chromium, type Page } from 'playwright-core'
import { CHROMIUM, CHROMIUM_FLAGS } from './chromium.ts'
import type { House } from './server.ts'

export type Visit = AsyncDisposable & {
  readonly page: Page
  /** What the browser complained of: errors of scripts, and whatever the Content-Security-Policy refused. */
  readonly complaints: string[]
}

/** The built dashboard of a real server, opened by a login link in a real browser of its own. */
export async function visit(house: House, path = '/'): Promise<Visit> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.setDefaultTimeout(30_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|WebSocket/.test(message.text()))
      complaints.push(message.text())
  })
  const { body } = await house.ask('POST /api/v1/login-links')
  await page.goto(body.url)
  await page.waitForURL((address) => address.pathname === '/')
  if (path !== '/') await page.goto(house.url + path)
  return { page, complaints, [Symbol.asyncDispose]: () => browser.close() }
}
