/**
 * Patterns of files are written by whoever may push, and matched against names that others choose. So they are matched step by
 * step, in a time that grows with pattern × name: as a regular expression `*a*a*a*a*…` would keep a server busy for years.
 */

/** One letter of a part of a name: itself, any, or one of several; a star stands for any number of letters. */
type Token = { readonly letter: string } | { readonly any: true } | { readonly star: true } | LetterClass
type LetterClass = { readonly ranges: readonly (readonly [string, string])[]; readonly not: boolean }
/** A part between slashes; null is `**`, any number of parts. */
type Part = readonly Token[] | null

/** `{a,b}` multiplies: twelve of them are 4096 patterns. */
export const MOST_ALTERNATIVES = 200

/** `*` stays inside one part of a name, `**` crosses slashes, `?` is one letter; brackets and braces as in a shell. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const patterns = (alternatives(pattern) ?? [pattern]).map((one) =>
    one.replace(/^\.\//, '').split('/').map(partOf),
  )
  return (name) => {
    const parts = name.split('/').map((part) => [...part])
    return patterns.some((one) => matchesParts(one, parts))
  }
}

export const tooManyAlternatives = (pattern: string): boolean => alternatives(pattern) === null

/** Without its braces: all that they stand for; null where that is too much. */
function alternatives(pattern: string): readonly string[] | null {
  const done: string[] = []
  const open = [pattern]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (done.length + open.length >= MOST_ALTERNATIVES) return null
    const brace = firstBrace(one)
    if (!brace) done.push(one)
    else for (const each of brace.choices) open.push(one.slice(0, brace.from) + each + one.slice(brace.to))
  }
  return done
}

type Brace = { readonly from: number; readonly to: number; readonly choices: readonly string[] }

/** The first `{…,…}` that is closed. Braces without a comma stand for themselves. */
function firstBrace(pattern: string): Brace | null {
  for (let from = 0; from < pattern.length; from++) {
    if (pattern[from] === '\\') from++
    else if (pattern[from] === '{') {
      const found = braceAt(pattern, from)
      if (found && found.choices.length > 1) return found
    }
  }
  return null
}

function braceAt(pattern: string, from: number): Brace | null {
  const choices: string[] = []
  let depth = 0
  let since = from + 1
  for (let at = from; at < pattern.length; at++) {
    const letter = pattern[at]
    if (letter === '\\') at++
    else if (letter === '{') depth++
    else if (letter === ',' && depth === 1) {
      choices.push(pattern.slice(since, at))
      since = at + 1
    } else if (letter === '}' && --depth === 0)
      return { from, to: at + 1, choices: [...choices, pattern.slice(since, at)] }
  }
  return null
}

function partOf(text: string): Part {
  if (text === '**') return null
  const letters = [...text]
  const tokens: Token[] = []
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at] ?? ''
    const bracket = letter === '[' ? classAt(letters, at) : null
    if (letter === '\\' && at + 1 < letters.length) tokens.push({ letter: letters[++at] ?? '' })
    else if (letter === '?') tokens.push({ any: true })
    else if (bracket) {
      tokens.push(bracket.token)
      at = bracket.end
    } else if (letter !== '*') tokens.push({ letter })
    else if (!isStar(tokens.at(-1))) tokens.push({ star: true })
  }
  return tokens
}

const isStar = (token: Token | undefined): boolean => token !== undefined && 'star' in token

/** `[a-z]`, `[!a]`, `[^a]`; null where nothing closes it: then it is a letter like others. */
function classAt(letters: readonly string[], from: number): { token: LetterClass; end: number } | null {
  const not = letters[from + 1] === '!' || letters[from + 1] === '^'
  const first = from + (not ? 2 : 1)
  const end = letters.indexOf(']', first + 1)
  if (end < 0) return null
  const ranges: [string, string][] = []
  for (let at = first; at < end; at++) {
    if (letters[at] === '\\' && at + 1 < end) at++
    const low = letters[at] ?? ''
    const isRange = letters[at + 1] === '-' && at + 2 < end
    ranges.push([low, isRange ? (letters[at + 2] ?? '') : low])
    if (isRange) at += 2
  }
  return { token: { ranges, not }, end }
}

/** Part for part; `reached` holds after how many of the name's parts the pattern could be where it is. */
function matchesParts(pattern: readonly Part[], name: readonly (readonly string[])[]): boolean {
  let reached = new Set([0])
  for (const part of pattern) {
    const next = new Set<number>()
    if (part === null) for (let at = Math.min(...reached); at <= name.length; at++) next.add(at)
    else for (const at of reached) if (at < name.length && matchesPart(part, name[at] ?? [])) next.add(at + 1)
    if (next.size === 0) return false
    reached = next
  }
  return reached.has(name.length)
}

/** Only the newest star ever has to take one letter more: so this is pattern × name at worst. */
function matchesPart(tokens: readonly Token[], letters: readonly string[]): boolean {
  if (letters.length === 0 && tokens.length > 0) return false
  let star = { token: -1, letter: 0 }
  let at = 0
  let token = 0
  while (at < letters.length) {
    const now = tokens[token]
    if (now && 'star' in now) star = { token: token++, letter: at }
    else if (now && isLetter(now, letters[at] ?? '')) {
      token++
      at++
    } else if (star.token >= 0) {
      token = star.token + 1
      at = ++star.letter
    } else return false
  }
  return tokens.slice(token).every(isStar)
}

function isLetter(token: Token, letter: string): boolean {
  if ('letter' in token) return token.letter === letter
  if ('ranges' in token)
    return token.not !== token.ranges.some(([low, high]) => low <= letter && letter <= high)
  return 'any' in token
}
