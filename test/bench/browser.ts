import { type Browser, chromium } from 'playwright-core'
import { CHROMIUM, CHROMIUM_FLAGS } from '../support/chromium.ts'

/** Draws and keeps time as a browser does that somebody looks at, whatever else is open on the machine. */
const IN_FRONT = [
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
]

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: [...CHROMIUM_FLAGS, ...IN_FRONT] })
