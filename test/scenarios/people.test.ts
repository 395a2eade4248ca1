import { type Browser, chromium, type Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { CHROMIUM, CHROMIUM_FLAGS } from '../support/chromium.ts'
import { githubLogin } from '../support/github-login.ts'
import { startHouse } from '../support/server.ts'
import { GOOD } from '../support/sessions.ts'

async function newPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  context.setDefaultTimeout(30_000)
  return context.newPage()
}

const SLOW = { timeout: 180_000 }

test(
  'the first admin sets a password, comes back with it, and invites somebody who joins',
  SLOW,
  async () => {
    await using house = await startHouse()
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
    await using _ = { [Symbol.asyncDispose]: () => browser.close() }
    const page = await newPage(browser)
    await page.goto((await house.ask('POST /api/v1/login-links')).body.url)
    await page.getByRole('link', { name: 'Set a password' }).click()
    await page.getByLabel('New password').fill('admin')
    await page.getByLabel('New password').fill(GOOD)
    await page.getByRole('button', { name: 'Set it' }).click()
    await page.getByText('The password is set').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).first().click()
    await page.getByLabel('Name or e-mail').fill('admin')
    await page.getByLabel('Password').fill('not this one at all')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('do not open an account').waitFor()
    await page.getByLabel('Password').fill(GOOD)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Account of admin' }).click()
    await page.getByText('by password').waitFor()
    await page.getByLabel('What it is for').fill('ci')
    await page.getByRole('button', { name: 'Make a token' }).click()
    const secret = await page.getByText(/^takt_[\w-]{43}$/).innerText()
    expect((await house.ask('GET /api/v1/me', undefined, { as: secret })).body.name).toBe('admin')

    const invited = await house.ask('POST /api/v1/organizations/default/invitations', { role: 'viewer' })
    const guest = await newPage(browser)
    await guest.goto(invited.body.url)
    await guest.getByText('admin invites you to default, as viewer').waitFor()
    await guest.getByLabel('Name').fill('ada')
    await guest.getByLabel('Password').fill(GOOD)
    await guest.getByRole('button', { name: 'Join' }).click()
    await guest.getByRole('link', { name: 'Account of ada' }).waitFor()

    // shut out while the page is open: it leads to the login by itself
    await page.goto(`${house.url}/users`)
    await page.getByRole('button', { name: 'Shut out ada' }).click()
    await page.getByRole('button', { name: 'Shut out ada' }).click()
    await page.getByRole('button', { name: 'Let ada in again' }).waitFor()
    await guest.getByLabel('Name or e-mail').waitFor()
  },
)

test(
  'a browser goes to GitHub and comes back: refused without an invitation, let in with one',
  SLOW,
  async () => {
    await using github = await githubLogin()
    await using house = await startHouse({
      ...{ TAKT_GITHUB_URL: github.url, TAKT_GITHUB_CLIENT_ID: 'x', TAKT_GITHUB_CLIENT_SECRET: 'shh' },
    })
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
    await using _ = { [Symbol.asyncDispose]: () => browser.close() }
    const page = await newPage(browser)
    await page.goto(`${house.url}/login`)
    await page.getByRole('button', { name: 'Continue with GitHub' }).click()
    await page.getByRole('alert').getByText('Ask an admin for an invitation').waitFor()
    const invited = await house.ask('POST /api/v1/organizations/default/invitations', { role: 'viewer' })
    await page.goto(invited.body.url)
    await page.getByRole('button', { name: 'Continue with GitHub' }).click()
    await page.getByRole('link', { name: 'Account of octocat' }).click()
    await page.getByText('you are octocat there').waitFor()
  },
)
