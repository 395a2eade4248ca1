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
  isExactImage(image) && trusted.includes(image) && !lane.startsWith('pr/')
