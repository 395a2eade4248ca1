import { expect, test } from 'vitest'
import { asRunner, packed } from '../support/archives.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = 'jobs: { build: { run: make, keep: site/ } }\n'
const PAGE = '<!doctype html><script src="x.js"></script><script>fetch("/api/v1/login-links")</script>'
const FILES = { 'site/index.html': PAGE, 'site/x.js': 'alert(1)', 'site/x.svg': '<svg onload="alert(1)"/>' }

/** A run that has kept a page which would like to be one of ours. */
async function withPages() {
  const line = await steeredLine(LINE)
  await line.push()
  const build = (await line.claim())!
  const put = (files: Parameters<typeof packed>[0]) =>
    packed(files).then((body) =>
      asRunner(line.house, `PUT /runner/runs/${build.id}/kept`, { lease: build.lease, body }),
    )
  expect((await put(FILES)).status).toBe(201)
  return {
    ...line,
    at: `/api/v1/runs/${build.id}/artifacts/kept`,
    put,
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

// What an archive may hold, entry by entry, stands in test/server/files.test.ts.
test.each(Object.entries(FILES))(
  '%s of a run is a download: it is never shown as a page of ours, and its type is not guessed',
  async (path, text) => {
    await using line = await withPages()
    const answer = await line.house.ask(`GET ${line.at}/files/${path}`)
    expect(answer).toMatchObject({ status: 200, text })
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': expect.stringMatching(/^attachment; filename\*=UTF-8''/),
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'cross-origin-resource-policy': 'same-origin',
    })
  },
)

test('no spelling of a path leads out of an artifact, or the dashboard’s files out of their folder', async () => {
  await using line = await withPages()
  const climbs = [
    '../../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e/%2e%2e/etc/passwd',
    '%2fetc%2fpasswd',
    'site%00',
    '..%5c..%5cx.js',
  ]
  for (const climb of climbs) {
    const there = await fetch(`${line.house.url}${line.at}/files/${climb}`, {
      headers: { authorization: `Bearer ${line.house.token}` },
    })
    expect([climb, there.status]).toEqual([climb, 404])
    const { text } = await line.house.ask(`GET /assets/${climb}`, undefined, { as: null })
    expect(text).not.toContain('root:')
  }
})

test('an entry that climbs spoils the whole archive, and what was there before stays', async () => {
  await using line = await withPages()
  const before = (await line.house.ask(`GET ${line.at}/files`)).body
  for (const name of ['site/../../../etc/cron.d/x', '/etc/cron.d/x', 'site\\..\\x/../../y'])
    expect(
      (
        await line.put([
          { header: { name: 'site/a' }, content: 'a' },
          { header: { name }, content: 'x' },
        ])
      ).body.code,
    ).toBe('bad-archive')
  expect((await line.house.ask(`GET ${line.at}/files`)).body).toEqual(before)
})
