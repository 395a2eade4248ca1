import { Problem } from '../problem.ts'

const GITHUB =
  /^(?:https:\/\/github\.com\/|git@github\.com:|ssh:\/\/git@github\.com\/)([\w.-]{1,100}\/[\w.-]{1,100}?)(?:\.git)?\/?$/

/**
 * One spelling for each repository, so that a delivery and a project mean the same row.
 *
 * @throws {Problem} `bad-repository`: not http(s) or ssh, or holding credentials.
 */
export function normalizeAddress(address: string): { kind: 'git' | 'github'; url: string } {
  const github = GITHUB.exec(address)?.[1]
  if (github) return { kind: 'github', url: `https://github.com/${github.toLowerCase()}.git` }
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || !['http:', 'https:', 'ssh:'].includes(url.protocol)) {
    throw new Problem(
      'bad-repository',
      `\`${address.slice(0, 200)}\` must begin with https://, http:// or ssh://`,
    )
  }
  if (url.password || (url.username && url.protocol !== 'ssh:')) {
    throw new Problem('bad-repository', 'the address holds a user name or password; leave them out')
  }
  if (url.search || url.hash)
    throw new Problem('bad-repository', 'the address holds `?` or `#`; leave them out')
  return { kind: 'git', url: url.href.replace(/\/+$/, '') }
}

/** `git@host:path`, as forges write it, as the address that it stands for. */
export const sshAddress = (told: string): string =>
  told.includes('://') ? told : `ssh://${told.replace(':', '/')}`
