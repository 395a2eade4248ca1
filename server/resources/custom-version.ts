import { createHash } from 'node:crypto'
import type { CheckedVersion } from '#pipelines/wire/runner.ts'

/** As long as a version's name is looked for. */
const MOST_LETTERS = 500

/**
 * What a version that an image told is called: by its one value where it has one, else by all of it, written the same in whatever
 * order the image names its keys; and by a hash where that is too long for a name.
 */
export function nameOfCustom(version: CheckedVersion): string {
  const entries = Object.entries(version).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const [[, only = ''] = []] = entries
  const isPlain = entries.length === 1 && only !== '' && !only.startsWith('{') && !/\p{C}/u.test(only)
  const whole = isPlain ? only : JSON.stringify(Object.fromEntries(entries))
  return whole.length <= MOST_LETTERS ? whole : `sha256:${createHash('sha256').update(whole).digest('hex')}`
}
