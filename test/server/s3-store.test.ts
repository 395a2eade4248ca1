import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
// @ts-expect-error: it comes without types
import S3rver from 's3rver'
import { readConfig } from '../../server/config.ts'
import { openStore } from '../../server/files/open-store.ts'
import { s3Store } from '../../server/files/s3-store.ts'

const KEY = `archives/ab/${'ab'.repeat(16)}`
const signal = new AbortController().signal
let folder: string
let s3: { run(): Promise<AddressInfo>; close(): Promise<void> }
let place: Parameters<typeof s3Store>[0]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'takt-s3-'))
  const configureBuckets = [{ name: 'files' }]
  s3 = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: folder, configureBuckets })
  const { port } = await s3.run()
  place = {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: 'files',
    region: 'us-east-1',
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    spool: join(folder, 'spool'),
  }
})
afterAll(async () => {
  await s3.close()
  await rm(folder, { recursive: true, force: true })
})

test('a bucket gives back what was put, byte for byte, until it is removed', async () => {
  const store = s3Store(place)
  const bytes = randomBytes(3_000_000)
  expect(await store.get(KEY, signal)).toBeNull()
  await store.put(KEY, Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]), signal)
  const got = await store.get(KEY, signal)
  expect((await buffer(got!)).equals(bytes)).toBe(true)
  await store.remove(KEY)
  await store.remove(KEY)
  expect(await store.get(KEY, signal)).toBeNull()
  expect(await readdir(place.spool)).toEqual([])
})

test('what breaks off is not kept', async () => {
  const store = s3Store(place)
  const broken = Readable.from(
    (async function* () {
      yield randomBytes(1_000)
      throw new Error('cut')
    })(),
  )
  await expect(store.put(KEY, broken, signal)).rejects.toThrow('cut')
  expect(await store.get(KEY, signal)).toBeNull()
  expect(await readdir(place.spool)).toEqual([])
})

test.each([
  ['a key that nobody knows', { accessKeyId: 'nobody' }, 'InvalidAccessKeyId'],
  ['a bucket that is not there', { bucket: 'none' }, 'NoSuchBucket'],
])('%s is told in the service’s words', async (_, changes, words) => {
  const put = s3Store({ ...place, ...changes }).put(KEY, Readable.from([Buffer.from('x')]), signal)
  await expect(put).rejects.toThrow(words)
})

test('a key that is none of ours is not asked for', async () => {
  await expect(s3Store(place).get('../../x', signal)).rejects.toThrow('is no key')
})

test('the settings of a bucket are there together or not at all', () => {
  expect(openStore(readConfig({})).words).toContain('the folder')
  const half = readConfig({ TAKT_S3_BUCKET: 'files', TAKT_S3_KEY: 'x' })
  expect(() => openStore(half)).toThrow('needs TAKT_S3_ENDPOINT and TAKT_S3_SECRET as well')
})
