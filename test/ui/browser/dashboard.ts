import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { build } from 'vite'
import { CHROMIUM, CHROMIUM_FLAGS } from '../../support/chromium.ts'
import { serveFake, type FakeServer } from '../fake-server.ts'
import type { FakeWorld } from '../fake-world.ts'

const CONFIG = fileURLToPath(new URL('../../../ui/vite.config.ts', import.meta.url))

export type Visit = AsyncDisposable & {
  readonly page: Page
  readonly server: FakeServer
  /** What the browser complained about: thrown errors and refused content. Empty, or something is wrong. */
  readonly complaints: readonly string[]
}

export type VisitOptions = {
  readonly path?: string
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly isSignedIn?: boolean
}

export type House = AsyncDisposable & {
  readonly visit: (world: FakeWorld, options?: VisitOptions) => Promise<Visit>
}

/** The dashboard built as for production and opened in a real browser, under the CSP that the server sends. */
export async function openHouse(): Promise<House> {
  const dist = await mkdtemp(join(tmpdir(), 'takt-ui-'))
  await build({ configFile: CONFIG, logLevel: 'error', build: { outDir: dist, emptyOutDir: true } })
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  return {
    visit: (world, options = {}) => visit({ browser, dist, world }, options),
    async [Symbol.asyncDispose]() {
      await browser.close()
      await rm(dist, { recursive: true })
    },
  }
}

type Means = { browser: Browser; dist: string; world: FakeWorld }

async function visit({ browser, dist, world }: Means, options: VisitOptions): Promise<Visit> {
  const { path = '/', scheme = 'light', width = 1280, isSignedIn = true } = options
  const server = await serveFake(world, { dist })
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height: 800 },
    baseURL: server.url,
  })
  context.setDefaultTimeout(30_000)
  if (isSignedIn) await context.addCookies([{ name: 'takt', value: 'in', url: server.url }])
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // The browser reports every 4xx and every cut connection by itself; those are part of the stories told here.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text()))
      complaints.push(message.text())
  })
  await page.goto(path)
  return {
    page,
    server,
    complaints,
    async [Symbol.asyncDispose]() {
      await context.close()
      await server[Symbol.asyncDispose]()
    },
  }
}
