import type { Place } from './seal.ts'

/** What a key that the server signs with is bound to. */
export const placeOfSigningKey = ({ kid }: { readonly kid: string }): Place => ({
  name: `signing key ${kid}`,
  bound: ['signing key', kid],
})
