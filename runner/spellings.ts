/** Shorter than this, a text is hidden nowhere: it would hide half of every log. The server refuses such a secret. */
export const LEAST_BYTES = 4
/** A line of a secret is hidden by itself only from this length on: `}` or `fi` stand in every log. */
const LEAST_LINE = 8
/** Longer spellings are hidden in pieces of this many bytes, so that a stream never has to hold back more. */
export const PIECE_BYTES = 512
/** Where `base64` and the writers of PEM files break their lines. */
const WRAPS = [76, 64]
/** So many lines of one secret are looked for as programs encode them, further ones only as they are: each spelling is memory. */
const MOST_LINES = 500

/**
 * Every sequence of bytes that gives a secret away: the text as it is, its lines, and each of them as programs write it
 * when they encode it (base64 wherever it stands in a longer text, URLs, JSON, XML, the quotes of shells).
 *
 * @returns Each sequence once, between `LEAST_BYTES` and `PIECE_BYTES` bytes.
 */
export function spellings(secrets: Iterable<string>): Buffer[] {
  const found = new Map<string, Buffer>()
  for (const secret of secrets)
    for (const spelling of spellingsOf(secret))
      for (const piece of pieces(Buffer.from(spelling)))
        if (piece.length >= LEAST_BYTES) found.set(piece.toString('latin1'), piece)
  return [...found.values()]
}

/** Of the whole text without the line ends around it (a shell's `$(…)` drops them too), and of those of its lines that tell something. */
function* spellingsOf(secret: string): Generator<string, void> {
  const whole = secret.replace(/^[\r\n]+|[\r\n]+$/g, '')
  const lines = whole.split(/[\r\n]+/).map((line) => line.trim())
  yield* encoded(whole)
  if (lines.length < 2) return
  const unix = lines.join('\n')
  yield* encoded(unix)
  yield* encoded(unix.replaceAll('\n', '\r\n'))
  const telling = [...new Set(lines.filter(tells))]
  for (const line of telling.slice(0, MOST_LINES)) yield* encoded(line)
  yield* telling.slice(MOST_LINES)
}

const encoded = (text: string): string[] => [...inText(text), ...inBase64(text)]

/** Punctuation, and the headings of PEM files, are no secret: every other file has them too. */
const tells = (line: string) =>
  line.length >= LEAST_LINE && /[\p{L}\p{N}]/u.test(line) && !/^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(line)

function inText(text: string): string[] {
  const url = urlEncoded(text)
  return [text, ...url, ...url.map(lowerHex), ...inJson(text), ...inXml(text), ...inShell(text)]
}

function urlEncoded(text: string): string[] {
  const bytes = [...Buffer.from(text)]
  const except = (safe: RegExp) =>
    bytes
      .map((byte) => {
        const letter = String.fromCharCode(byte)
        return byte < 128 && safe.test(letter) ? letter : `%${hex(byte)}`
      })
      .join('')
  const strict = except(/[\w.~-]/)
  const form = except(/[\w.*-]/).replaceAll('%20', '+')
  return [strict, except(/[\w.~/-]/), except(/[\w.~!'()*-]/), except(/[\w.~!'()*;/?:@&=+$,#-]/), form]
}

const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0')
const lowerHex = (url: string) => url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())

function inJson(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replace(
    /[^\x00-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const html = json.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
  return [json, ascii, html, json.replaceAll('/', '\\/')]
}

/** As reports of tests and pages have it, with the apostrophe in the two ways it is written. */
function inXml(text: string): string[] {
  const bare = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const quoted = bare.replaceAll('"', '&quot;')
  return [bare, quoted, quoted.replaceAll("'", '&#39;'), quoted.replaceAll("'", '&apos;')]
}

/** As it stands between the quotes: of POSIX shells in two manners, double ones, backslashes (`%q`), `$'…'`. */
function inShell(text: string): string[] {
  const control = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
  return [
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replace(/[\\"$`]/g, '\\$&'),
    text.replace(/[^\w@%+=:,./\n\x80-\uffff-]/g, '\\$&'),
    control.replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r'),
  ]
}

/** At each of the three places that a text can have among groups of three bytes: the signs that it alone decides. */
function inBase64(text: string): string[] {
  const bytes = Buffer.from(text)
  const places = [0, 1, 2].map((before) => {
    const signs = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return signs.slice(Math.ceil((before * 4) / 3), Math.floor(((before + bytes.length) * 4) / 3))
  })
  const wrapped = WRAPS.flatMap((width) => broken(places[0] ?? '', width))
  // Of few bytes, few signs: they would hide what others mean.
  const telling = [...places, ...wrapped].filter((signs) => signs.length >= LEAST_BYTES)
  return telling.flatMap((signs) => [signs, signs.replaceAll('+', '-').replaceAll('/', '_')])
}

function broken(signs: string, width: number): string[] {
  if (signs.length <= width) return []
  const lines: string[] = []
  for (let at = 0; at < signs.length; at += width) lines.push(signs.slice(at, at + width))
  return lines.filter((line) => line.length >= LEAST_LINE)
}

/** Of a character in UTF-8, any byte but the first. */
const isMiddle = (byte = 0) => (byte & 0b1100_0000) === 0b1000_0000

/** Each begins with a whole character, and so does what is held back; together they cover the whole, the last ones overlap. */
function pieces(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let from = 0
  while (bytes.length - from > PIECE_BYTES) {
    parts.push(bytes.subarray(from, from + PIECE_BYTES))
    from += PIECE_BYTES
    while (isMiddle(bytes[from])) from--
  }
  let last = Math.max(0, bytes.length - PIECE_BYTES)
  while (isMiddle(bytes[last])) last++
  return [...parts, bytes.subarray(last)]
}
