import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AwsClient } from 'aws4fetch'
import { expect, test } from 'vitest'
import { s3Store } from '../../server/files/s3-store.ts'
import { partsOf, type Signed, signatureOf } from '../support/signature-v4.ts'

// The examples of the service's own documentation: "Signature Calculations for the Authorization Header".
const KEY = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const HOST = 'https://examplebucket.s3.amazonaws.com'
const date = 'Fri, 24 May 2013 00:00:00 GMT'
const welcome = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'

test.each([
  [
    'GET /test.txt',
    { range: 'bytes=0-9', 'x-amz-content-sha256': NOTHING },
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'PUT /test%24file.text',
    { date, 'x-amz-storage-class': 'REDUCED_REDUNDANCY', 'x-amz-content-sha256': welcome },
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
  [
    'GET /?lifecycle',
    { 'x-amz-content-sha256': NOTHING },
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'GET /?max-keys=2&prefix=J',
    { 'x-amz-content-sha256': NOTHING },
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
])('%s is signed as the service’s own example is', async (line, headers, signature) => {
  const [method = '', path = ''] = line.split(' ')
  const client = new AwsClient({
    accessKeyId: KEY,
    secretAccessKey: SECRET,
    region: 'us-east-1',
    service: 's3',
  })
  const request = await client.sign(HOST + path, {
    method,
    headers,
    aws: { datetime: '20130524T000000Z', allHeaders: true },
  })
  const url = new URL(request.url)
  const sent: Signed = { method, url, headers: { ...Object.fromEntries(request.headers), host: url.host } }
  expect(partsOf(sent)).toMatchObject({ key: KEY, day: '20130524', region: 'us-east-1', signature })
  expect(signatureOf(sent, SECRET)).toBe(signature)
})

/** A bucket that looks at signatures and at nothing else. */
async function strict(secret: string) {
  const seen: string[] = []
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '', `http://${request.headers.host}`)
    const sent = { method: request.method ?? '', url, headers: request.headers as Record<string, string> }
    const { signature, signed, day } = partsOf(sent)
    expect(signed).toEqual(expect.arrayContaining(['host', 'x-amz-content-sha256', 'x-amz-date']))
    expect(sent.headers['x-amz-date']?.slice(0, 8)).toBe(day)
    const isRight = signature === signatureOf(sent, secret)
    seen.push(`${sent.method} ${isRight}`)
    request.resume().once('end', () => {
      response.statusCode = isRight ? 200 : 403
      response.end(isRight ? 'x' : '<Code>SignatureDoesNotMatch</Code>')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const spool = await mkdtemp(join(tmpdir(), 'takt-s3-'))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const store = s3Store({
    endpoint,
    bucket: 'files',
    region: 'eu-central-1',
    accessKeyId: KEY,
    secretAccessKey: SECRET,
    spool,
  })
  return {
    store,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await rm(spool, { recursive: true, force: true })
    },
  }
}

const OBJECT = `archives/ab/${'ab'.repeat(16)}`
const signal = new AbortController().signal

test('what the store asks of a bucket is signed by the service’s rules, and one that knows another secret refuses it', async () => {
  await using bucket = await strict(SECRET)
  await bucket.store.put(OBJECT, Readable.from([Buffer.from('x')]), signal)
  expect(await bucket.store.get(OBJECT, signal)).not.toBeNull()
  await bucket.store.remove(`${OBJECT}.index`)
  expect(bucket.seen).toEqual(['PUT true', 'GET true', 'DELETE true'])
  await using other = await strict(`${SECRET}x`)
  await expect(other.store.get(OBJECT, signal)).rejects.toThrow('SignatureDoesNotMatch')
})
