import type { Rule } from '#pipelines/language/rules.ts'

/**
 * A tiny file that breaks a rule, and word for word what the validator says: the rule, what is the case, the file, and then
 * `line:column: severity: message (rule)` with the hint below it, once for each thing said.
 */
export type Broken = readonly [rule: Rule, it: string, text: string, ...says: string[]]

/** A good job with more keys; the first of them stands in line 5. */
export const job = (body: string): string => `jobs:\n  a:\n    image: b:1\n    run: x\n${body}\n`
