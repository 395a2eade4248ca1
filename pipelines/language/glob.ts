import { globMatcher, MOST_ALTERNATIVES, tooManyAlternatives } from './glob-matcher.ts'

const PAIRS: Readonly<Record<string, string>> = { '[': ']', '{': '}' }

/** What is wrong with a pattern for names or paths, in words; null when it can match something. */
export function globProblem(pattern: string): string | null {
  if (pattern.trim() === '') return 'a pattern must not be empty'
  if (pattern.length > 500) return 'a pattern has at most 500 characters'
  const open = unclosed(pattern)
  if (open) return `\`${open}\` is opened and never closed`
  if (pattern.replace(/^!/, '').startsWith('/'))
    return 'a pattern begins at the top of the repository, without a `/`'
  if (tooManyAlternatives(pattern))
    return `a pattern stands for at most ${MOST_ALTERNATIVES} others by its \`{…,…}\``
  if (pattern.split('/').includes('..')) return 'a pattern does not climb with `..`'
  return null
}

function unclosed(pattern: string): string | null {
  const open: string[] = []
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at] ?? ''
    if (letter === '\\') at++
    else if (PAIRS[letter]) open.push(letter)
    else if (letter === PAIRS[open.at(-1) ?? '']) open.pop()
  }
  return open.at(-1) ?? null
}

/** `*` stays inside one part of a name, `**` crosses slashes; brackets and braces as in a shell, never a regular expression. */
export const matchesGlob = (name: string, pattern: string): boolean => globMatcher(pattern)(name)

/**
 * What a list of patterns lets through, to be asked many times. A pattern with `!` in front takes away what another one lets
 * through; a list of nothing but such lets everything else through, and an empty list nothing.
 */
export function globList(patterns: readonly string[]): (name: string) => boolean {
  const no = patterns.filter(isNot).map((pattern) => globMatcher(pattern.slice(1)))
  const yes = patterns.filter((pattern) => !isNot(pattern)).map(globMatcher)
  const all = yes.length === 0 && no.length > 0
  return (name) => !no.some((matches) => matches(name)) && (all || yes.some((matches) => matches(name)))
}

const isNot = (pattern: string) => pattern.startsWith('!')
