/** A version by semantic versioning 2.0.0, without build metadata. */
type Semver = {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** `rc.1`; null for a final version. */
  readonly pre: string | null
}
type Bump = {
  /** Which part goes up; `final` takes away what says that it comes before the final one. */
  readonly bump: 'major' | 'minor' | 'patch' | 'final'
  /** The word of a version that comes before the final one: `rc` makes `1.3.0-rc.1`, then `1.3.0-rc.2`. */
  readonly pre: string | null
}

const FORM = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([0-9A-Za-z.-]+))?$/

/** @returns Null where the text is no version. */
export function parseSemver(text: string): Semver | null {
  const [, major, minor, patch, pre] = FORM.exec(text) ?? []
  return major === undefined
    ? null
    : { major: Number(major), minor: Number(minor), patch: Number(patch), pre: pre ?? null }
}

/**
 * The version that comes after one.
 *
 * From a version before a final one, the part that it already raised does not go up once more: `1.3.0-rc.2` becomes `1.3.0` by
 * `minor`, and `1.3.0-rc.3` by `minor` with the word `rc`. From `1.2.4-rc.1`, `minor` makes `1.3.0`.
 */
export function bumped(from: Semver, { bump, pre }: Bump): Semver {
  const raised = bump === 'final' ? { ...from, pre: null } : raisedBy(from, bump)
  if (pre === null) return raised
  const isSame = from.major === raised.major && from.minor === raised.minor && from.patch === raised.patch
  const [word, count] = isSame && from.pre !== null ? splitPre(from.pre) : [null, 0]
  return { ...raised, pre: `${pre}.${word === pre ? count + 1 : 1}` }
}

function raisedBy({ major, minor, patch, pre }: Semver, part: 'major' | 'minor' | 'patch'): Semver {
  const ahead = pre !== null
  switch (part) {
    case 'major':
      return { major: ahead && minor === 0 && patch === 0 ? major : major + 1, minor: 0, patch: 0, pre: null }
    case 'minor':
      return { major, minor: ahead && patch === 0 ? minor : minor + 1, patch: 0, pre: null }
    case 'patch':
      return { major, minor, patch: ahead ? patch : patch + 1, pre: null }
  }
}

function splitPre(pre: string): [string, number] {
  const [, word = pre, count = '0'] = /^(.*)\.(\d{1,9})$/.exec(pre) ?? []
  return [word, Number(count)]
}

export const semverText = ({ major, minor, patch, pre }: Semver): string =>
  `${major}.${minor}.${patch}${pre === null ? '' : `-${pre}`}`

/** What a version tells, under the names of `FIELDS.semver`. */
export const fieldsOfSemver = (version: Semver): Readonly<Record<string, string>> => ({
  version: semverText(version),
  major: String(version.major),
  minor: String(version.minor),
  patch: String(version.patch),
})
