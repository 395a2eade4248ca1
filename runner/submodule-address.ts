import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { EngineError } from './engine.ts'
import type { Source } from './mirror.ts'

/** How the server of a repository is spoken to, where a stranger has named it. */
export type Reach = {
  readonly settings: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
}
/** The server that the plan names: with whatever the runner's machine has. */
export const TRUSTED: Reach = { settings: {}, env: {} }

export type Address = Pick<Source, 'url' | 'credential'> & { readonly reach: Reach }
type Named = { readonly name: string; readonly url: string }
type Parent = Pick<Source, 'url' | 'credential'> & { readonly reach: Reach }

/**
 * Where a submodule is fetched from, and with what: by its commit's own words, which strangers write. `../lib.git` is beside the
 * repository that names it.
 *
 * The credential goes only to the server that the commit came from, and so does what the runner's machine is known by elsewhere: its
 * keys for ssh, its `.netrc`. Of the machine itself and what lies link-local, no other server's commit can have anything fetched.
 *
 * @param env  Of the machine's environment, what git needs.
 * @throws {EngineError} `checkout_failed`, for an address that is not accepted.
 */
export async function addressOf(
  parent: Parent,
  named: Named,
  env: Readonly<Record<string, string>>,
): Promise<Address> {
  const url = urlOf(parent.url, named)
  const from = new URL(parent.url)
  if (serverOf(url) === serverOf(from)) return { ...parent, url: url.href }
  if (url.protocol === 'ssh:')
    throw refused(
      named,
      `which the runner's own ssh key would open. A submodule comes over ssh only where its repository does, from the same host and user: write it as https://${url.host}${url.pathname}, or as a path (../name.git)`,
    )
  const addresses = await expectOpen(named, { url, from, env })
  const isNamed = addresses.length > 0 && isIP(hostOf(url)) === 0
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return {
    url: url.href,
    credential: null,
    reach: {
      // What was looked at is what is spoken to, and not what the name means a moment later, or what that server names.
      settings: {
        'http.followRedirects': 'false',
        ...(isNamed ? { 'http.curloptResolve': `${hostOf(url)}:${port}:${addresses.join(',')}` } : {}),
      },
      env: { HOME: '/dev/null' },
    },
  }
}

/** Who is spoken to, and as whom: over http by the credential, over ssh by the user's name. */
const serverOf = ({ protocol, username, hostname, port }: URL): string =>
  protocol === 'ssh:'
    ? `ssh://${username}@${hostname.toLowerCase()}:${port || 22}`
    : `${protocol}//${hostname}:${port}`

function urlOf(parent: string, { name, url }: Named): URL {
  const isNear = url.startsWith('./') || url.startsWith('../')
  const [, user, host, path] = /^([\w.-]+@)?([\w.-]+):(?![/:])(.+)$/.exec(url) ?? []
  const spelled = !isNear && host && path && !url.includes('://') ? `ssh://${user ?? ''}${host}/${path}` : url
  const full = isNear ? URL.parse(url, `${parent.replace(/\/+$/, '')}/`) : URL.parse(spelled)
  if (full && ['http:', 'https:', 'ssh:'].includes(full.protocol) && full.password === '') return full
  throw refused({ name, url }, 'which is no http, https or ssh URL without a password')
}

type Going = { readonly url: URL; readonly from: URL; readonly env: Readonly<Record<string, string>> }

/** @returns The addresses of the server; none where only a proxy knows them. */
async function expectOpen(named: Named, { url, from, env }: Going): Promise<string[]> {
  const found = await addressesOf(url)
  if (found.length === 0 && !Object.keys(env).some((name) => /^https?_proxy$/i.test(name)))
    throw refused(named, 'whose host has no address')
  const closed = closedOnes()
  const there = await addressesOf(from)
  const isOwn = (address: string) => contains(closed.machine, address)
  const mayBe = (address: string) =>
    there.includes(address) || (isOwn(address) ? there.some(isOwn) : !contains(closed.linkLocal, address))
  const wrong = found.find((address) => !mayBe(address))
  if (wrong === undefined) return found
  throw refused(named, `whose host is ${wrong}: the runner's own machine, or link-local, and closed to runs`)
}

const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, '')

async function addressesOf(url: URL): Promise<string[]> {
  try {
    return (await lookup(hostOf(url), { all: true })).map(({ address }) => address.replace(/%.*/, ''))
  } catch {
    return [] // no such name, here and now: the caller says what that means
  }
}

const contains = (list: BlockList, address: string) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/** As for the network of a run: this machine by all its addresses, and where clouds answer their machines. */
function closedOnes(): { readonly machine: BlockList; readonly linkLocal: BlockList } {
  const machine = new BlockList()
  for (const each of Object.values(networkInterfaces()).flat())
    if (each) machine.addAddress(each.address, each.family === 'IPv6' ? 'ipv6' : 'ipv4')
  machine.addSubnet('127.0.0.0', 8)
  machine.addSubnet('0.0.0.0', 8)
  machine.addAddress('::1', 'ipv6')
  machine.addAddress('::', 'ipv6')
  const linkLocal = new BlockList()
  linkLocal.addSubnet('169.254.0.0', 16)
  linkLocal.addSubnet('fe80::', 10, 'ipv6')
  linkLocal.addAddress('fd00:ec2::254', 'ipv6')
  return { machine, linkLocal }
}

const refused = ({ name, url }: Named, why: string) =>
  new EngineError(
    'checkout_failed',
    `The submodule ${JSON.stringify(name)} has the address ${JSON.stringify(url)}, ${why}.`,
  )
