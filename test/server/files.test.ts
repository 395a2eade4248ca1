import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { asRunner, packed, unpacked, type Written } from '../support/archives.ts'
import type { House } from '../support/server.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = `
jobs:
  build: { run: make, keep: dist/ }
  test: { needs: build, run: test }
  other: { run: look }
`
const FILES = { 'dist/app.js': 'console.log(1)', 'dist/a/b.css': 'b {}', 'dist/ü “x”.txt': 'ü' }
/** Names that a path may have and that mean something else where they are read. */
const ODD_NAMES = ['dist/two\nlines', 'dist/50%2f..%25', 'dist/...', 'dist/a\\b', 'dist/?x#y', 'dist/ -rf']

/** A house in which `build` runs and has kept `FILES`. */
async function withKept(files: Record<string, string> | readonly Written[] = FILES) {
  const line = await steeredLine(LINE)
  await line.push()
  const taken = [await line.claim(), await line.claim()]
  const build = taken.find((run) => run?.job === 'build')!
  const other = taken.find((run) => run?.job === 'other')!
  const put = await asRunner(line.house, `PUT /runner/runs/${build.id}/kept`, {
    lease: build.lease,
    body: await packed(files),
  })
  return { ...line, build, other, put, [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() }
}

const stored = async ({ dataDir }: House) => {
  const names = await readdir(join(dataDir, 'store'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  )
  return names.filter((name) => name.isFile()).length
}

test('what a job kept is handed to the run that needs it, and to no other', async () => {
  await using line = await withKept()
  const { house, build, other } = line
  expect(line.put).toMatchObject({ status: 201, body: { files: 3, bytes: 20 } })
  await line.end('build', 'succeed')
  const next = (await line.claim())!
  expect(next).toMatchObject({ job: 'test', plan: { keptBy: [{ job: 'build', run: build.id }] } })
  const kept = `GET /runner/runs/${next.id}/kept/${build.id}`
  const got = await asRunner(house, kept, next)
  expect(got).toMatchObject({ status: 200 })
  expect(await unpacked(got.bytes)).toEqual(FILES)
  const foreign = await asRunner(house, `GET /runner/runs/${other.id}/kept/${build.id}`, other)
  expect(foreign).toMatchObject({ status: 404, body: { code: 'files-not-found' } })
  const stale = await asRunner(house, kept, { lease: other.lease })
  expect(stale).toMatchObject({ status: 409, body: { code: 'stale-lease' } })
  const over = await asRunner(house, `PUT /runner/runs/${build.id}/kept`, {
    lease: build.lease,
    body: await packed(FILES),
  })
  expect(over).toMatchObject({ status: 409, body: { code: 'stale-lease' } })
})

test('a job that keeps nothing has nothing to keep', async () => {
  await using line = await withKept()
  const { other, house } = line
  const put = await asRunner(house, `PUT /runner/runs/${other.id}/kept`, {
    ...other,
    body: await packed(FILES),
  })
  expect(put).toMatchObject({ status: 422, body: { code: 'invalid-request' } })
})

describe('an artifact', () => {
  test('is listed, browsed and downloaded', async () => {
    await using line = await withKept()
    const at = `/api/v1/runs/${line.build.id}/artifacts`
    const { body } = await line.house.ask(`GET ${at}`)
    expect(body.items).toMatchObject([{ name: 'kept', kind: 'kept', files: 3, bytes: 20, expired: false }])
    const first = (await line.house.ask(`GET ${at}/kept/files?limit=2`)).body
    expect(first.items.map((file: { path: string }) => file.path)).toEqual(['dist/a/b.css', 'dist/app.js'])
    const rest = (await line.house.ask(`GET ${at}/kept/files?limit=2&after=${first.next}`)).body
    expect(rest).toMatchObject({ items: [{ path: 'dist/ü “x”.txt', bytes: 2, kind: 'file' }], next: null })
    const some = (await line.house.ask(`GET ${at}/kept/files?prefix=dist/a/`)).body
    expect(some.items).toHaveLength(1)
    const file = await line.house.ask(`GET ${at}/kept/files/${encodeURIComponent('dist/ü “x”.txt')}`)
    expect(file).toMatchObject({ status: 200, text: 'ü' })
    expect(Object.fromEntries(file.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''%C3%BC%20%E2%80%9Cx%E2%80%9D.txt`,
      'x-content-type-options': 'nosniff',
      'content-length': '2',
    })
    const whole = await fetch(`${line.house.url}${at}/kept.tar.gz`, {
      headers: { authorization: `Bearer ${line.house.token}` },
    })
    expect(await unpacked(Buffer.from(await whole.arrayBuffer()))).toEqual(FILES)
  })

  test('gives out each file that it lists, whatever its name', async () => {
    await using line = await withKept(Object.fromEntries(ODD_NAMES.map((name) => [name, name])))
    const at = `/api/v1/runs/${line.build.id}/artifacts/kept/files`
    for (const name of ODD_NAMES)
      expect(
        await line.house.ask(`GET ${at}/${name.split('/').map(encodeURIComponent).join('/')}`),
      ).toMatchObject({ status: 200, text: name })
  })

  test('answers with a refusal for what is not in it', async () => {
    await using line = await withKept()
    const at = `/api/v1/runs/${line.build.id}/artifacts`
    for (const path of ['dist', 'dist/none', '../../etc/passwd', 'dist/../../../etc/passwd', '/etc/passwd'])
      expect(await line.house.ask(`GET ${at}/kept/files/${encodeURIComponent(path)}`)).toMatchObject({
        status: 404,
        body: { code: 'files-not-found' },
      })
    expect(await line.house.ask(`GET ${at}/none/files`)).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('it has kept') },
    })
    expect((await line.house.ask('GET /api/v1/runs/999/artifacts')).body.code).toBe('run-not-found')
  })
})

const file = (name: string): Written => ({ header: { name }, content: 'x' })
const link = (name: string, linkname: string): Written => ({ header: { name, type: 'symlink', linkname } })

describe('an archive is refused, and nothing of it stays, when it holds', () => {
  test.each<[string, readonly Written[], string]>([
    ['an absolute path', [file('/etc/passwd')], 'empty part'],
    ['a path that climbs', [file('a/../../b')], '..'],
    ['a path that only seems to climb', [file('a/..')], '..'],
    ['a link out', [link('a', '/etc/passwd')], 'links to'],
    ['a link that climbs out', [link('d/a', '../../b')], 'links to'],
    ['a link that climbs behind a name', [link('x', 'd/..')], 'links to'],
    ['a file behind a link', [link('d', '.'), file('d/a')], 'behind the link'],
    ['a file in the place of a link', [link('d', 'e'), file('d')], 'link stood before'],
    [
      'a hard link to outside',
      [{ header: { name: 'a', type: 'link', linkname: '/etc/passwd' } }],
      'same file',
    ],
    ['a device', [{ header: { name: 'a', type: 'character-device' } }], 'character-device'],
    ['a pipe', [{ header: { name: 'a', type: 'fifo' } }], 'fifo'],
    ['a name of 300 bytes', [file('a'.repeat(300))], '255 bytes'],
    ['a name of 2000 letters', [file('a/'.repeat(1_000) + 'a')], '1000 characters'],
    ['a file 101 folders deep', [file('a/'.repeat(101) + 'a')], 'folders deep'],
  ])('%s', async (_, entries, words) => {
    await using line = await withKept(entries)
    expect(line.put).toMatchObject({
      status: 422,
      body: { code: 'bad-archive', detail: expect.stringContaining(words) },
    })
    expect(await stored(line.house)).toBe(0)
    expect(await line.house.db.selectFrom('archives').select('id').execute()).toEqual([])
  })

  test.each<[string, Buffer]>([
    ['no zstd', Buffer.from('hello '.repeat(1_000))],
    ['no tar', zstdCompressSync(Buffer.from('hello '.repeat(1_000)))],
    ['nothing', Buffer.alloc(0)],
    ['half an archive', zstdCompressSync(Buffer.alloc(5_000, 'x')).subarray(0, 15)],
  ])('%s', async (_, body) => {
    await using line = await withKept()
    const before = await stored(line.house)
    const put = await asRunner(line.house, `PUT /runner/runs/${line.build.id}/kept`, { ...line.build, body })
    expect(put).toMatchObject({ status: 422, body: { code: 'bad-archive' } })
    expect(await stored(line.house)).toBe(before)
  })
})

test('links that stay inside are kept, and a hard link is the file it is', async () => {
  await using line = await withKept([
    file('a/b'),
    link('a/up', '../a/b'),
    link('bin', 'a'),
    { header: { name: 'same', type: 'link', linkname: 'a/b' } },
  ])
  expect(line.put).toMatchObject({ status: 201, body: { files: 4 } })
  const same = await line.house.ask(`GET /api/v1/runs/${line.build.id}/artifacts/kept/files/same`)
  expect(same.text).toBe('x')
})

test('the same files have the same version, whenever and in whatever order they were packed', async () => {
  await using line = await withKept([file('a'), file('b')])
  const put = async (entries: readonly Written[]) => {
    const request = `PUT /runner/runs/${line.build.id}/kept`
    return (await asRunner(line.house, request, { ...line.build, body: await packed(entries) })).body.version
  }
  const later = { header: { name: 'a', mtime: new Date(1) }, content: 'x' }
  expect(await put([file('b'), later])).toBe(line.put.body.version)
  expect(await put([file('b'), { header: { name: 'a' }, content: 'y' }])).not.toBe(line.put.body.version)
})

test('a name that never ends is not read to its end', async () => {
  await using line = await withKept()
  const head = Buffer.alloc(512)
  head.write('pax', 0)
  head.write('00000000644 ', 100)
  head.write('77777777777 ', 124) // eight gigabytes of name
  head.write('x', 156)
  head.write('ustar\u000000', 257)
  head.fill(' ', 148, 156)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  const body = zstdCompressSync(Buffer.concat([head, Buffer.alloc(50 * 2 ** 20, 'a')]))
  const put = await asRunner(line.house, `PUT /runner/runs/${line.build.id}/kept`, { ...line.build, body })
  expect(put).toMatchObject({ status: 422, body: { detail: expect.stringContaining('exceeds max size') } })
})

test('a bomb is refused by what it would become', async () => {
  await using line = await withKept()
  const zeros = { header: { name: 'zeros' }, content: Buffer.alloc(1_200 * 2 ** 20) }
  const body = await packed([zeros])
  expect(body.length).toBeLessThan(200_000)
  const put = await asRunner(line.house, `PUT /runner/runs/${line.build.id}/state`, { ...line.build, body })
  expect(put).toMatchObject({
    status: 422,
    body: { code: 'bad-archive', detail: expect.stringContaining('1024 MiB') },
  })
})
