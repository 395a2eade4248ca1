/** Where a person can be. Addresses are made and read here and nowhere else. */
export type Place =
  | { readonly page: 'home' }
  | { readonly page: 'login'; readonly to: string }
  | {
      readonly page: 'line'
      readonly project: string
      readonly pipeline: string
      readonly lane: string | null
    }
  | { readonly page: 'run'; readonly id: number }
  | { readonly page: 'deliveries' }
  | { readonly page: 'missing'; readonly path: string }

export function placeOf(url: URL): Place {
  const path = url.pathname.replace(/\/+$/, '') || '/'
  if (path === '/') return { page: 'home' }
  if (path === '/login') return { page: 'login', to: ownAddress(url.searchParams.get('to')) }
  if (path === '/deliveries') return { page: 'deliveries' }
  const run = /^\/runs\/([1-9]\d{0,15})$/.exec(path)
  if (run) return { page: 'run', id: Number(run[1]) }
  const [, project, pipeline] = /^\/p\/([^/]+)\/([^/]+)$/.exec(path) ?? []
  const names = project && pipeline ? decoded([project, pipeline]) : null
  if (names?.every((name) => !/^\.+$/.test(name)))
    return {
      page: 'line',
      project: names[0] ?? '',
      pipeline: names[1] ?? '',
      lane: url.searchParams.get('lane'),
    }
  return { page: 'missing', path: decoded([url.pathname])?.[0] ?? url.pathname }
}

export const runAddress = (id: number): string => `/runs/${id}`

export function lineAddress(project: string, pipeline: string, lane?: string | null): string {
  const address = `/p/${encodeURIComponent(project)}/${encodeURIComponent(pipeline)}`
  return lane ? `${address}?lane=${encodeURIComponent(lane)}` : address
}

export function loginAddress(from: string): string {
  return from === '/' || from.startsWith('/login') ? '/login' : `/login?to=${encodeURIComponent(from)}`
}

/** An address of ours to go to, or the front page: a link must not be able to send a person elsewhere. */
export function ownAddress(wanted: string | null): string {
  if (!wanted?.startsWith('/')) return '/'
  const here = 'https://takt.invalid'
  const url = URL.canParse(wanted, here) ? new URL(wanted, here) : null
  return url?.origin === here && !url.pathname.startsWith('/login')
    ? url.pathname + url.search + url.hash
    : '/'
}

/** Names out of an address, or null where it is not valid percent-encoding. */
function decoded(parts: readonly string[]): string[] | null {
  try {
    return parts.map(decodeURIComponent)
  } catch {
    return null
  }
}
