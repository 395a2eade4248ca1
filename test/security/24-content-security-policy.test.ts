import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { startHouse } from '../support/server.ts'

const PATHS = [
  '/',
  '/login',
  '/api/v1/me',
  '/api/docs',
  '/nowhere.js',
  '/hooks/git/post-receive',
  '/git/x.git/info/refs',
  '/healthz',
]

test('every answer lets scripts and styles come from here alone, and lets nobody frame it', async () => {
  await using house = await startHouse()
  for (const path of PATHS) {
    const { headers } = await house.ask(`GET ${path}`, undefined, { as: null })
    const policy = headers.get('content-security-policy') ?? ''
    const rules = new Map(policy.split(';').map((rule) => rule.trim().split(/ (.*)/s, 2) as [string, string]))
    expect([path, Object.fromEntries(rules)]).toMatchObject([
      path,
      {
        'default-src': "'none'",
        'script-src': "'self'",
        'connect-src': "'self'",
        'style-src': "'self'",
        'base-uri': "'none'",
        'form-action': "'self'",
        'frame-ancestors': "'none'",
      },
    ])
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    })
  }
})

test.each(['https://evil.example', 'null', 'http://127.0.0.1'])(
  'no page of %s reads an answer',
  async (origin) => {
    await using house = await startHouse()
    for (const path of PATHS) {
      const { headers } = await house.ask(`GET ${path}`, undefined, { headers: { origin } })
      expect([path, headers.get('access-control-allow-origin')]).toEqual([path, null])
      const asked = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      }
      const before = await house.ask(`OPTIONS ${path}`, undefined, { as: null, headers: asked })
      expect([path, before.headers.get('access-control-allow-origin')]).toEqual([path, null])
    }
  },
)

test('over https a browser is told to come that way only', async () => {
  await using house = await startHouse({ TAKT_URL: 'https://takt.example.org' })
  const { headers } = await house.ask('GET /', undefined, { as: null })
  expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d{7,}/)
})

test('the dashboard’s page holds no script and no style of its own', async () => {
  const page = await readFile(new URL('../../ui/index.html', import.meta.url), 'utf8')
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i)
  for (const [, attributes = '', inside = ''] of page.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)) {
    expect(attributes).toContain('src="/')
    expect(inside.trim()).toBe('')
  }
})
