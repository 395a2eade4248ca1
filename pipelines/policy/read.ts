import { parseDocument } from 'yaml'
import { PolicyRules } from './rules.ts'

export const MOST_LETTERS = 100_000

/** The rules that a YAML text says, or what is wrong with it, a sentence each. An empty text says none. */
export function readPolicies(
  text: string,
): { readonly rules: PolicyRules } | { readonly problems: string[] } {
  if (text.length > MOST_LETTERS) return { problems: [`policies have at most ${MOST_LETTERS} characters`] }
  const document = parseDocument(text, { version: '1.2', schema: 'core' })
  if (document.errors.length > 0) return { problems: document.errors.map(({ message }) => message) }
  try {
    const read = PolicyRules.safeParse(document.toJS({ maxAliasCount: 50 }) ?? [])
    if (read.success) return { rules: read.data }
    return { problems: read.error.issues.map(({ path, message }) => said(path, message)) }
  } catch (error) {
    return { problems: [error instanceof Error ? error.message : String(error)] } // aliases without end
  }
}

const said = (path: readonly PropertyKey[], message: string): string => {
  const [at, ...rest] = path
  if (typeof at !== 'number') return message
  const key = rest.length === 0 ? '' : `, ${rest.map(String).join('.')}`
  return `rule ${at + 1}${key}: ${message}`
}
