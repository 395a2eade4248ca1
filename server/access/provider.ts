/** Who somebody is elsewhere, as the provider has told it to us itself. */
export type Claimed = {
  /** The provider’s own name for them, which never changes and is never given to anybody else. */
  readonly subject: string
  /** What they are called there. */
  readonly name: string
  /** An address that the provider vouches for; null where it knows none. */
  readonly email: string | null
}

/** What belongs to one way there and back: known to us and to nobody on the way. */
export type Way = {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** Our own address, to which the provider sends people back. */
  readonly back: string
}

/** Somewhere else that people can show who they are. */
export type Provider = {
  /** As it stands in addresses: `github`. */
  readonly id: 'oidc' | 'github'
  /** As people call it. */
  readonly name: string
  /** Under which its people are kept; another server of the same kind has other people. */
  readonly key: string
  /** Whether whoever comes from there gets an account, or only who was invited. */
  readonly letsIn: 'invited' | 'everybody'
  /** Where a browser has to go. @throws {Error} When the provider does not answer, or not as it should. */
  start(way: Way): Promise<URL>
  /** What came back, checked. @throws {Error} When anything about it is not as it should be. */
  finish(way: Way, query: URLSearchParams): Promise<Claimed>
}
