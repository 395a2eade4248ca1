import { globList } from '#pipelines/language/glob.ts'

/** Files of a working directory, by the patterns of a pipeline file. */
export type Selection = {
  /** Where to look: folders and files, none inside another; `''` is the working directory itself. */
  readonly roots: readonly string[]
  readonly matches: (path: string) => boolean
}

/** A pattern that names a folder stands for all that is in it. The repository's own `.git` is taken only by its name. */
export function selectionOf(patterns: readonly string[]): Selection {
  const clean = patterns.map((pattern) => pattern.replace(/\/+$/, '').replace(/^(!?)(?:\.\/+)+/, '$1'))
  const wanted = clean.filter((pattern) => !pattern.startsWith('!'))
  const takesGit = wanted.some((pattern) => /^\.git(\/|$)/.test(pattern))
  const listed = globList(clean.flatMap((pattern) => [pattern, `${pattern}/**`]))
  return {
    roots: rootsOf(wanted),
    matches: (path) => listed(path) && (takesGit || !/^\.git(\/|$)/.test(path)),
  }
}

const MAGIC = /[*?[\]{}!\\]/

/** What has to be read for the patterns: folders and files, none inside another; `''` is the whole folder. */
export const rootsOf = (patterns: readonly string[]): string[] => outermost(patterns.map(rootOf))

/** The part of a pattern in front of the first letter that stands for something else. */
function rootOf(pattern: string): string {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.')
  const magic = parts.findIndex((part) => MAGIC.test(part))
  return parts.slice(0, magic < 0 ? parts.length : magic).join('/')
}

const outermost = (roots: readonly string[]) =>
  [...new Set(roots)].filter(
    (root) => !roots.some((other) => other !== root && (other === '' || root.startsWith(`${other}/`))),
  )
