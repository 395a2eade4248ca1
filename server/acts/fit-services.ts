import { interpolate, piecesOf } from '#pipelines/language/expression/interpolate.ts'

/** What the connection says of itself, and what the server says of the request: nobody else’s words. */
const OURS = [
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'keep-alive', 'te', 'trailer'],
  ...['expect', 'proxy-authorization', 'proxy-connection', 'idempotency-key'],
]
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/
const SECRET = /^secret\.([A-Za-z_][A-Za-z0-9_]{0,99})$/

/** Why a header cannot be sent, in words that do not say its value; null where it can. */
export function unfitHeader(name: string, value: string): string | null {
  if (!TOKEN.test(name)) return `\`${name.slice(0, 100)}\` is no name of a header`
  if (OURS.includes(name.toLowerCase())) return `the header \`${name}\` is the server’s own to send`
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ? null
    : `the header \`${name}\` has a line break, or a character that no header may hold`
}

/** Why an address is no service’s, in words; null where it is. */
export function unfitAddress(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !['http:', 'https:'].includes(url.protocol))
    return 'the address must begin with https:// or http://'
  if (/[\s\p{Cc}]/u.test(text)) return 'the address has a space, or a character that nobody sees'
  if (url.username !== '' || url.password !== '')
    return 'the address holds a user name or password; send them in a header with $(secret.NAME)'
  return url.search === '' && url.hash === ''
    ? null
    : 'the address has `?` or `#`; write that in the `path` of a call'
}

/** Why a header of a service is none: as `unfitHeader`, and `$(…)` stands for secrets only. */
export function unfitServiceHeader(name: string, value: string): string | null {
  const other = piecesOf(value).find(
    (piece) => piece.kind === 'broken' || (piece.kind === 'value' && !SECRET.test(piece.name)),
  )
  if (other && 'written' in other)
    return `\`${other.written.slice(0, 100)}\` in the header \`${name}\` is no secret of the project, such as $(secret.API_TOKEN)`
  return unfitHeader(name, value)
}

/** The secrets that stand in headers, by name. */
export const secretsNamed = (headers: Readonly<Record<string, string>>): string[] => [
  ...new Set(
    Object.values(headers).flatMap((value) =>
      piecesOf(value).flatMap((piece) => (piece.kind === 'value' ? [piece.name.replace('secret.', '')] : [])),
    ),
  ),
]

/** A header with its secrets put in; null where one of them is not there. */
export function withSecrets(value: string, secrets: Readonly<Record<string, string>>): string | null {
  const put = interpolate(
    value,
    new Map(Object.entries(secrets).map(([name, secret]) => [`secret.${name}`, secret.trim()])),
  )
  return 'text' in put ? put.text : null
}

/** The whole address of a path under a service’s own; null where it would lead elsewhere. */
export function addressUnder(service: string, path: string): URL | null {
  const base = service.replace(/\/+$/, '')
  const whole = `${base}${path.startsWith('/') ? '' : '/'}${path}`
  if (!URL.canParse(whole)) return null
  const [url, root] = [new URL(whole), new URL(`${base}/`)]
  return url.origin === root.origin && url.pathname.startsWith(root.pathname) ? url : null
}
