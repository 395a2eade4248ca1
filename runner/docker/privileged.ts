/** `name@sha256:…`: what such a name means can never change. */
const EXACT = /^[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}$/

export const isExactImage = (text: string): boolean => EXACT.test(text)

export type PrivilegeFacts = {
  readonly image: string
  readonly lane: string
  /** The images that the operator trusts, each by its digest. */
  readonly trusted: readonly string[]
}

/**
 * Whether a container may have the powers of root over the engine's machine: only where the operator named its image, letter by
 * letter and by its digest. Never for a pull request, whoever opened it: what runs inside is its author's.
 */
export const mayBePrivileged = ({ image, lane, trusted }: PrivilegeFacts): boolean =>
  isExactImage(image) && trusted.includes(image) && !isPullRequest(lane)

const isPullRequest = (lane: string) => lane.startsWith('pr/')

/** For the run's log: that an image has such powers, or why one that could have them has not; null for all others. */
export function powersInWords(facts: PrivilegeFacts): string | null {
  const { image, lane, trusted } = facts
  if (mayBePrivileged(facts)) return `The image ${image} has all powers of root: the operator named it.\n`
  const [named] = trusted.filter((each) => each === image || repositoryOf(each) === repositoryOf(image))
  if (named === undefined) return null
  if (named === image && isPullRequest(lane))
    return `The image ${image} has no powers of root here: TAKT_PRIVILEGED_IMAGES does not count for pull requests.\n`
  return `The image ${image} has no powers of root: the operator gave them to ${named} (TAKT_PRIVILEGED_IMAGES), and the job has to name it exactly so.\n`
}

/** `hub.acme.io:5000/tools/dind` of `hub.acme.io:5000/tools/dind:27@sha256:…` */
const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
