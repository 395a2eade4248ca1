import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from '../engines/test-image.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { visit } from '../support/visit.ts'

const reason = await whyNoDocker()
const FILE = `jobs:
  go: { image: "${TEST_IMAGE}", run: [echo begun, "echo $((40 + 2)) > found; sleep 600"] }
  red: { image: "${TEST_IMAGE}", run: [echo evidence > clue, exit 9] }
`

/** Seconds that nobody else sleeps: by them a process in a container is known on the machine. */
const MARKS = [`${80_000_000 + process.pid}`, `${90_000_000 + process.pid}`] as const

async function runs(mark: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.some((line) => line.split('\0').includes(mark) && line.startsWith('sleep'))
}

async function runOf(house: House, job: string, state: string): Promise<number> {
  const found = await until(
    async () => (await house.ask(`GET /api/v1/runs?job=${job}&state=${state}`)).body.items[0],
    { withinMs: 30_000 },
  )
  return found.id
}

/** What stands on the screen, with what is drawn as padding taken away. */
const shows = (page: Page, text: string) =>
  until(async () => (await page.locator('.xterm-rows').innerText()).includes(text))

/** `takt …` as a program, with what is piped into it. */
async function takt(house: House, args: readonly string[], typed = '') {
  const child = spawn(process.execPath, ['server/command/takt.ts', ...args], {
    env: { PATH: process.env['PATH'], TAKT_URL: house.url, TAKT_TOKEN: house.token },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
  child.stdin.end(typed)
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
  return { out, err, code }
}

describe.skipIf(reason)(`terminals, whole${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(ensureTestImage)

  test('a person looks into a run that goes on, from the dashboard and from the command line', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await using _runner = await startRunner(house, { engine: 'docker' })
    await clone.push({ '.takt.yml': FILE })
    const run = await runOf(house, 'go', 'running')
    await until(async () => (await house.ask(`GET /api/v1/runs/${run}/log`)).text.includes('begun'))
    await using browser = await visit(house, `/runs/${run}`)
    const { page } = browser
    await page.getByRole('button', { name: 'Terminal' }).click()
    await page.getByText('everything in it ends when it is closed').waitFor()
    await page.keyboard.type('cat found; printf "\\033[38;2;10;200;30mgreen\\033[0m\\n"; pwd\n')
    await shows(page, '/takt/work')
    await shows(page, '42')
    const green = page.locator('.xterm-rows span', { hasText: /^green$/ }).last()
    expect(await green.evaluate((node) => getComputedStyle(node).color)).not.toBe(
      await page.locator('.xterm-rows').evaluate((node) => getComputedStyle(node).color),
    )
    expect((await house.ask(`GET /api/v1/runs/${run}/terminals`)).body.items).toMatchObject([
      { user: 'admin', closed_at: null },
    ])
    await page.keyboard.type('exit 5\n')
    await page.getByText('Closed with exit code 5').waitFor()
    expect(browser.complaints).toEqual([])

    expect(await takt(house, ['exec', String(run), '--', 'cat', 'found'])).toEqual({
      out: '42\r\n',
      err: '',
      code: 0,
    })
    expect((await takt(house, ['exec', String(run)], 'echo piped > by-hand; exit 4\n')).code).toBe(4)
    expect((await takt(house, ['exec', String(run), '--', 'cat', 'by-hand'])).out).toBe('piped\r\n')
    const nowhere = await takt(house, ['exec', '999'])
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('there is no run 999') })
    await house.ask(`POST /api/v1/runs/${run}/cancel`, {})
    await until(async () => (await house.ask(`GET /api/v1/runs/${run}`)).body.state === 'cancelled')
  }, 240_000)

  test('a failed run is kept for who asked, looked into, and let go; a killed runner leaves none behind', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    const runner = await startRunner(house, { engine: 'docker' })
    await using _runner = runner
    await clone.push({ '.takt.yml': FILE })
    const first = await runOf(house, 'red', 'failed')
    await house.ask(`POST /api/v1/runs/${await runOf(house, 'go', 'running')}/cancel`, {})
    await using browser = await visit(house, `/runs/${first}`)
    const { page } = browser
    await page.getByRole('button', { name: 'Retry and keep' }).click()
    await page.getByText(/Its container is kept, for \d+ m/).waitFor()
    const run = Number(new URL(page.url()).pathname.split('/').at(-1))
    expect(run).not.toBe(first)
    await page.getByRole('button', { name: 'Terminal' }).click()
    await page.getByText('everything in it ends when it is closed').waitFor()
    await page.keyboard.type('cat clue\n')
    await shows(page, 'evidence')
    await page.keyboard.type(`sleep ${MARKS[0]}\n`)
    await until(() => runs(MARKS[0]))
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('Closed: the run has ended').waitFor()
    await until(async () => (await house.ask(`GET /api/v1/runs/${run}`)).body.hold === null)
    await until(async () => !(await runs(MARKS[0])))
    expect(browser.complaints).toEqual([])

    const again = (await house.ask(`POST /api/v1/runs/${run}/retry`, { hold: '30m' })).body.id
    await until(async () => (await house.ask(`GET /api/v1/runs/${again}`)).body.hold)
    const looking = takt(house, ['exec', String(again), '--', 'sleep', MARKS[1]])
    await until(() => runs(MARKS[1]))
    await runner.kill('SIGKILL')
    expect((await looking).err).toContain('the connection to the runner was lost')
    await using _next = await startRunner(house, { engine: 'docker', dataDir: runner.dataDir })
    await until(async () => (await house.ask(`GET /api/v1/runs/${again}`)).body.hold === null, {
      withinMs: 20_000,
    })
    await until(async () => !(await runs(MARKS[1])))
  }, 240_000)
})
