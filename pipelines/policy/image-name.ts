const ALIASES: ReadonlySet<string> = new Set(['index.docker.io', 'registry-1.docker.io'])

/** An image by its full name, as engines read it: `node:22` is `docker.io/library/node:22`. A pattern then has one spelling to match. */
export function fullImageName(image: string): string {
  const slash = image.indexOf('/')
  const first = slash < 0 ? '' : image.slice(0, slash)
  const isHost = /[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first)
  if (!isHost) return `docker.io/${slash < 0 ? 'library/' : ''}${image}`
  const host = first.toLowerCase()
  if (!ALIASES.has(host) && host !== 'docker.io') return `${host}${image.slice(slash)}`
  const rest = image.slice(slash + 1)
  return `docker.io/${rest.includes('/') ? '' : 'library/'}${rest}`
}

export const isPinned = (image: string): boolean => /@sha256:[0-9a-f]{64}$/.test(image)
