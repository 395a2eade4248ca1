/** One thing the validator has to say about a pipeline file. Lines and columns count from 1. */
export type Diagnostic = {
  readonly severity: 'error' | 'warning'
  /** A constant name for the rule that was broken, e.g. `unknown-key`. */
  readonly rule: string
  readonly message: string
  readonly line: number
  readonly column: number
  /** What to do about it, e.g. "did you mean `needs`?"; empty where the message says it all. */
  readonly hint: string
}

/** A diagnostic that still names its place by path; `locate` in parse.ts turns the path into line and column. */
export type Finding = Omit<Diagnostic, 'line' | 'column'> & {
  readonly path: readonly (string | number)[]
  /** Whether the key at the end of the path is meant, or the value beside it. */
  readonly at: 'key' | 'value'
}

/** The form every tool prints: `file:line:column: severity: message (rule)`. */
export function printDiagnostic(file: string, d: Diagnostic): string {
  const hint = d.hint === '' ? '' : `\n    ${d.hint}`
  return `${file}:${d.line}:${d.column}: ${d.severity}: ${d.message} (${d.rule})${hint}`
}

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((d) => d.severity === 'error')
