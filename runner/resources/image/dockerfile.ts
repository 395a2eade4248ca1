/** What a Dockerfile asks of whoever builds it, as far as it matters where that happens. */
export type Dockerfile = {
  readonly hasRun: boolean
  /** What only BuildKit knows, the first of it as it is written; null where an older builder reads all of it. */
  readonly modern: string | null
  /** The programs that are to read it, by its `# syntax=` lines. */
  readonly frontends: readonly string[]
  /** The first source of an `ADD` that the engine itself would fetch, or might; null where there is none. */
  readonly fetched: string | null
}

/** Every line that might name one, wherever it stands: builders differ in how far down they look. */
const SYNTAX = /^\uFEFF?\s*(?:#|\/\/)\s*syntax\s*=\s*(\S+)/gim
const ESCAPE = /^\s*#\s*escape\s*=\s*`\s*$/im
const HEREDOC = /<<-?\s*["']?[A-Za-z_]/
const OLD_FLAGS = /^--(from|chown)=/
const HEADS = ['http://', 'https://', 'git://', 'ssh://', 'git@', 'github.com/']

/** Nothing is expanded: what stands behind a variable may be anything. */
export function readDockerfile(text: string): Dockerfile {
  const instructions = instructionsOf(text)
  const frontends = [...text.matchAll(SYNTAX)].map(([, name = '']) => name)
  return {
    hasRun: instructions.some(({ word }) => word === 'RUN'),
    modern: instructions.map(modernIn).find((found) => found !== null) ?? null,
    // A file that is no Dockerfile at all may name one in its own way.
    frontends: text.trimStart().startsWith('{') ? [...frontends, '{'] : frontends,
    fetched: instructions.flatMap(sourcesOf).find(mayBeAddress) ?? null,
  }
}

type Instruction = { readonly word: string; readonly flags: readonly string[]; readonly rest: string }

/** One a line, once continued lines are joined; lines of a heredoc count as instructions too, which only makes this stricter. */
function instructionsOf(text: string): Instruction[] {
  const mark = ESCAPE.test(text) ? '`' : '\\'
  const found: Instruction[] = []
  let begun = ''
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const trimmed = line.trimEnd()
    if (trimmed.endsWith(mark)) begun += trimmed.slice(0, -1)
    else {
      found.push(instruction(begun + line))
      begun = ''
    }
  }
  return begun === '' ? found : [...found, instruction(begun)]
}

function instruction(line: string): Instruction {
  const [first = '', ...words] = line.trim().split(/\s+/)
  if (first.toUpperCase() === 'ONBUILD') return instruction(words.join(' '))
  const last = words.findIndex((word) => !word.startsWith('--'))
  const flags = last < 0 ? words : words.slice(0, last)
  return { word: first.toUpperCase(), flags, rest: words.slice(flags.length).join(' ') }
}

function modernIn({ word, flags, rest }: Instruction): string | null {
  if (!['RUN', 'COPY', 'ADD'].includes(word)) return null
  const flag = flags.find((each) => word === 'RUN' || !OLD_FLAGS.test(each))
  if (flag !== undefined) return `${word} ${flag}`
  return HEREDOC.test(rest) ? `${word} <<` : null
}

function sourcesOf({ word, rest }: Instruction): string[] {
  if (word !== 'ADD') return []
  return (listIn(rest) ?? rest.replace(/["'\\`]/g, '').split(/\s+/)).slice(0, -1)
}

function listIn(rest: string): string[] | null {
  try {
    const list: unknown = JSON.parse(rest)
    return Array.isArray(list) ? list.map(String) : null
  } catch {
    return null // the plain form
  }
}

function mayBeAddress(source: string): boolean {
  const known = source.split('$')[0]?.toLowerCase() ?? ''
  if (HEADS.some((head) => known.startsWith(head))) return true
  return source.includes('$') && HEADS.some((head) => head.startsWith(known))
}
