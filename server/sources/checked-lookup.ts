import type { LookupFunction } from 'node:net'
import { addressesOf, resolved } from '../http/outgoing.ts'
import type { Allowed } from '../http/reachable.ts'

/** A name that leads nowhere: the lookup below is asked for every host, also for one that is an address already. */
export const ANY_HOST = 'checked.invalid'

/** Connects to what a place leads to, after that was checked; so it is for each connection. */
export const checkedLookup =
  (allowed: Allowed, place: { readonly host: string; readonly port: string }): LookupFunction =>
  (_name, { all }, found) => {
    addressesOf(place, { allowed, resolve: resolved }).then(
      (addresses) => {
        const [first] = addresses
        if (all) found(null, [...addresses])
        else found(null, first?.address ?? '', first?.family)
      },
      (error: Error) => found(error, ''),
    )
  }

/** `host:port` as two. */
export function placeIn(address: string): { host: string; port: string } {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: address.slice(colon + 1) }
}
