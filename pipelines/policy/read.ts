import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { PolicyRules } from './rules.ts'

export const MOST_LETTERS = 100_000

/** The rules that a YAML text says, or what is wrong with it, a sentence each that begins with its line. An empty text says none. */
export function readPolicies(
  text: string,
): { readonly rules: PolicyRules } | { readonly problems: string[] } {
  if (text.length > MOST_LETTERS) return { problems: [`policies have at most ${MOST_LETTERS} characters`] }
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { version: '1.2', schema: 'core', lineCounter, prettyErrors: false })
  const lineAt = (offset: number) => `line ${lineCounter.linePos(offset).line}`
  if (document.errors.length > 0)
    return { problems: document.errors.map(({ pos, message }) => `${lineAt(pos[0])}: ${message}`) }
  try {
    const read = PolicyRules.safeParse(document.toJS({ maxAliasCount: 50 }) ?? [])
    if (read.success) return { rules: read.data }
    const place = (path: readonly PropertyKey[]) => lineAt(offsetOf(document, path))
    return {
      problems: read.error.issues.map(({ path, message }) => `${place(path)}: ${said(path, message)}`),
    }
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] } // aliases without end
  }
}

/** Where a value begins; what is not there is looked for where it would be. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true)
  if (isNode(node) && node.range) return node.range[0]
  return path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1))
}

const said = (path: readonly PropertyKey[], message: string): string => {
  const [at, ...rest] = path
  if (typeof at !== 'number') return message
  const key = rest.length === 0 ? '' : `, ${rest.map(String).join('.')}`
  return `rule ${at + 1}${key}: ${message}`
}
