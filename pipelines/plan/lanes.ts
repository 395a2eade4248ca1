import { matchesGlob } from '../language/glob.ts'

/** The lane a git ref's commits belong to: `main`, `release/1`, `tag/v1.2`; null for a ref that makes no lane. */
export function laneOf(ref: string): string | null {
  if (ref.startsWith('refs/heads/')) return ref.slice('refs/heads/'.length)
  if (ref.startsWith('refs/tags/')) return `tag/${ref.slice('refs/tags/'.length)}`
  return null
}

/**
 * Whether a pipeline listens to a ref.
 *
 * @returns Null when it does, else the reason it does not, in words.
 */
export function laneRefusal(
  ref: string,
  triggers: { push: readonly string[]; tag: readonly string[] },
): string | null {
  const [kind, name, patterns] = ref.startsWith('refs/tags/')
    ? (['tag', ref.slice('refs/tags/'.length), triggers.tag] as const)
    : (['push', ref.slice('refs/heads/'.length), triggers.push] as const)
  if (patterns.some((pattern) => matchesGlob(name, pattern))) return null
  const listens = patterns.length === 0 ? 'listens to none' : `listens to ${patterns.join(', ')}`
  return `\`triggers.${kind}\` does not match \`${name}\`: the pipeline ${listens}`
}
