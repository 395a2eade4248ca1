import { forgeByHost, type ForgePlace, type ForgeRepository } from './forge-of.ts'
import { SHA } from './git.ts'

/** Where a forge shows what lies between two commits; null where the repository lies on no forge that this server knows. */
export function compareAddress(
  forges: readonly ForgePlace[],
  repository: ForgeRepository,
  { from, to }: { readonly from: string; readonly to: string },
): string | null {
  const at = forgeByHost(forges, repository)
  if (!at || !SHA.test(from) || !SHA.test(to)) return null
  const url = new URL(repository.url)
  const origin = /^https?:$/.test(url.protocol) ? url.origin : `https://${url.hostname}`
  const path = at.repository.split('/').map(encodeURIComponent).join('/')
  return `${origin}/${path}${at.forge.name === 'gitlab' ? '/-' : ''}/compare/${from}...${to}`
}
