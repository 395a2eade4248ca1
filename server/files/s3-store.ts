import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { AwsClient } from 'aws4fetch'
import { Problem } from '../problem.ts'
import { isKey, type Store } from './store.ts'

export type S3Place = {
  /** The service's address; buckets are named in its path. */
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Where files wait until their size is known, which the service must be told first. */
  readonly spool: string
}

type Request = {
  readonly method: 'PUT' | 'GET' | 'DELETE'
  readonly key: string
  readonly signal?: AbortSignal
}

/** A bucket of any service that speaks S3, so that several servers share their files. */
export function s3Store(place: S3Place): Store {
  const { accessKeyId, secretAccessKey, region, endpoint, bucket, spool } = place
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 })

  const send = async (
    asked: Request,
    body: { path: string; bytes: number } | null,
  ): Promise<IncomingMessage> => {
    if (!isKey(asked.key)) throw new Error(`${JSON.stringify(asked.key)} is no key`)
    const url = `${endpoint.replace(/\/+$/, '')}/${encodeURIComponent(bucket)}/${asked.key}`
    const signed = await client.sign(url, {
      method: asked.method,
      // The connection vouches for what it carries; to hash it first would be to read it twice.
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    })
    const headers = {
      ...Object.fromEntries(signed.headers),
      ...(body ? { 'content-length': body.bytes } : {}),
    }
    const begin = url.startsWith('https:') ? requestHttps : requestHttp
    const request = begin(url, {
      method: asked.method,
      headers,
      ...(asked.signal ? { signal: asked.signal } : {}),
    })
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      request.once('response', resolve).once('error', reject),
    )
    if (body) await Promise.all([pipeline(createReadStream(body.path), request), answer])
    else request.end()
    return answer
  }

  return {
    words: `the bucket ${bucket} at ${endpoint}`,
    async put(key, content, signal) {
      await mkdir(spool, { recursive: true })
      const path = join(spool, randomBytes(16).toString('hex'))
      try {
        await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal })
        const { size } = await stat(path)
        await drained(await send({ method: 'PUT', key, signal }, { path, bytes: size }), [200])
      } finally {
        await rm(path, { force: true })
      }
    },
    async get(key, signal) {
      const answer = await send({ method: 'GET', key, signal }, null)
      if (answer.statusCode === 200) return answer
      await drained(answer, [404])
      return null
    },
    async remove(key) {
      await drained(await send({ method: 'DELETE', key }, null), [200, 204, 404])
    },
  }
}

/** Read an answer that is none of the good ones into a refusal: its code and sentence are XML, shown as they are. */
async function drained(answer: IncomingMessage, good: readonly number[]): Promise<void> {
  const words = (await text(Readable.from(answer))).slice(0, 500)
  if (good.includes(answer.statusCode ?? 0)) return
  throw new Problem('unavailable', `the object store answered ${answer.statusCode}: ${words}`)
}
