import type { Rule } from './rules.ts'

/** One thing the validator has to say about a pipeline file. Lines and columns count from 1. */
export type Diagnostic = {
  readonly severity: 'error' | 'warning'
  /** A constant name for the rule that was broken, e.g. `unknown-key`; rules.ts has a sentence for each. */
  readonly rule: string
  readonly message: string
  readonly line: number
  readonly column: number
  /** What to do about it, e.g. "did you mean `needs`?"; empty where the message says it all. */
  readonly hint: string
}

export type Path = readonly (string | number)[]

/** Where something stands in the file: the key at the end of a path, or the value beside it. */
export type Place = { readonly path: Path; readonly at: 'key' | 'value' }

/** A diagnostic that still names its place by path; the reader of the text turns the path into line and column. */
export type Finding = Omit<Diagnostic, 'line' | 'column' | 'rule'> & { readonly rule: Rule } & Place

export const valueAt = (...path: Path): Place => ({ path, at: 'value' })
export const keyAt = (...path: Path): Place => ({ path, at: 'key' })

/** What a check says of a place. */
export const error = (rule: Rule, place: Place, message: string, hint = ''): Finding => ({
  severity: 'error',
  rule,
  message,
  hint,
  ...place,
})
export const warning = (...told: [Rule, Place, string, string?]): Finding => ({
  ...error(...told),
  severity: 'warning',
})

/** The form every tool prints: `file:line:column: severity: message (rule)`. */
export function printDiagnostic(file: string, d: Diagnostic): string {
  const hint = d.hint === '' ? '' : `\n    ${d.hint}`
  return `${file}:${d.line}:${d.column}: ${d.severity}: ${d.message} (${d.rule})${hint}`
}

export const hasErrors = (diagnostics: readonly Pick<Diagnostic, 'severity'>[]): boolean =>
  diagnostics.some((d) => d.severity === 'error')
