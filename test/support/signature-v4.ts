import { createHash, createHmac } from 'node:crypto'

/** A request as it came over the wire. */
export type Signed = {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Where no header tells its hash. */
  readonly body?: string
}

const hmac = (key: string | Buffer, words: string) => createHmac('sha256', key).update(words).digest()
const sha256 = (words: string) => createHash('sha256').update(words).digest('hex')
const spelled = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)

/** What a request's `authorization` says. */
export function partsOf({ headers }: Signed) {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    )
  if (!found) throw new Error(`no signature of version 4: ${headers['authorization']}`)
  const [, key = '', day = '', region = '', service = '', names = '', signature = ''] = found
  return { key, day, region, service, signed: names.split(';'), signature }
}

/** The signature that a request has to have, by the rules that the service publishes (AWS Signature Version 4, in one piece). */
export function signatureOf(request: Signed, secret: string): string {
  const { day, region, service, signed } = partsOf(request)
  const { method, url, headers } = request
  const query = [...url.searchParams]
    .map((pair) => pair.map(spelled).join('='))
    .toSorted()
    .join('&')
  const path = url.pathname
    .split('/')
    .map((part) => spelled(decodeURIComponent(part)))
    .join('/')
  const lines = signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  const body = headers['x-amz-content-sha256'] ?? sha256(request.body ?? '')
  const canonical = [method, path, query, lines.join(''), signed.join(';'), body].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const words = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secret}`, day))
  return hmac(key, words).toString('hex')
}
