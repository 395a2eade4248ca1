import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { operations } from '../support/operations.ts'
import { steeredLine } from '../support/steer.ts'

const EVIL = '"><script>alert(1)</script>\r\nset-cookie: x=1'
const BRANCH = `x'"><img-src=x>`
const DATA =
  /^(application\/(problem\+)?json|application\/octet-stream|application\/x-ndjson|text\/(plain|csv))\b/
const IMAGE = /^image\/svg\+xml\b/
const LINE = 'triggers: { push: "**" }\njobs: { test: { run: say x } }'

/** A project in which a commit’s message, its author, a branch and a file are called so. */
async function withEvil() {
  const line = await steeredLine(LINE)
  const { clone, house } = line
  await clone.git('config', 'user.name', EVIL.split('\r')[0]!)
  await clone.push({ '.takt.yml': LINE, '<script>.md': 'x' }, { message: EVIL, branch: BRANCH })
  await line.quiet()
  return { ...line, house, [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() }
}

// That the dashboard shows what others typed as text stands in test/ui/browser/lines.test.ts, on every page in a real browser.
test('no answer of the API is a page, and none carries what others typed in a header', async () => {
  await using it = await withEvil()
  const filled = {
    project: 'shop',
    pipeline: 'main',
    job: 'test',
    resource: 'src',
    id: '1',
    name: 'kept',
    path: 'a',
  }
  const reads = (await operations(it.house, filled)).filter((each) => each.startsWith('GET '))
  const told: string[] = []
  for (const operation of reads) {
    const answer = await it.house.ask(operation)
    const type = answer.headers.get('content-type') ?? ''
    expect([operation, type]).toEqual([
      operation,
      expect.stringMatching(operation.endsWith('/badge.svg') ? IMAGE : DATA),
    ])
    // The one image that is drawn from others' names runs no script where it is opened as a page.
    expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(JSON.stringify([...answer.headers])).not.toMatch(/alert|img-src=x/)
    told.push(answer.text)
  }
  expect(told.join()).toContain('<script>alert(1)') // it was there to be told, and JSON tells it as it is
})

test.each([
  '/api/v1/<script>alert(1)</script>',
  '/api/v1/projects/%3Cscript%3Ealert(1)%3C%2Fscript%3E',
  '/git/%3Cscript%3E.git/info/refs?service=git-upload-pack',
  '/hooks/%3Cscript%3E',
  '/%3Cscript%3Ealert(1)%3C%2Fscript%3E',
])('what is written into the address %s is no markup of the answer', async (path) => {
  await using it = await steeredLine(LINE)
  const answer = await it.house.ask(`GET ${path}`)
  if (!/html/.test(answer.headers.get('content-type') ?? '')) return
  expect(answer.text).not.toMatch(/<script>alert/)
})

test('the API’s page of itself says what it says as text', async () => {
  await using it = await steeredLine(LINE)
  const page = (await it.house.ask('GET /api/docs')).text
  expect(page).not.toMatch(/<script/)
})

test('no part of the dashboard makes markup of a text, or an address of one that is not checked', async () => {
  const ui = fileURLToPath(new URL('../../ui/', import.meta.url))
  const names = (await readdir(ui, { recursive: true })).filter((name) =>
    /^(lib|pages|parts)\/.*\.(svelte|ts)$/.test(name),
  )
  expect(names.length).toBeGreaterThan(50)
  for (const name of names) {
    const source = await readFile(join(ui, name), 'utf8')
    expect([
      name,
      source.match(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/)?.[0],
    ]).toEqual([name, undefined])
  }
})
