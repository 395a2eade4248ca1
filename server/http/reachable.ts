import { BlockList, isIP, isIPv4 } from 'node:net'

/**
 * Addresses that nobody outside is reached at: this machine, its networks, the clouds' places for credentials, and what is kept for
 * documents and tests. A server that asks where people and files tell it to must not be led there. Source: the special-purpose
 * registries of IANA (RFC 6890).
 */
const INSIDE_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]
/** Of IPv6 only this is the internet, and IPv4 in the dress of IPv6, to which the ranges above apply. */
const OUTSIDE_V6 = ['2000::/3', '::ffff:0:0/96']
/** And of that not the tunnels, which may end at any IPv4 address, nor what is kept for documents. */
const INSIDE_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const inside = blockOf([...INSIDE_V4, ...INSIDE_V6])
const outside = blockOf(OUTSIDE_V6)

/** Whether an IP address is one of the internet. */
export function isOutside(address: string): boolean {
  const family = familyOf(address)
  if (family === null || inside.check(address, family)) return false
  return family === 'ipv4' || outside.check(address, family)
}

/** Where the operator lets this server go all the same: names, names with a port, networks. */
export type Allowed = {
  readonly names: ReadonlySet<string>
  readonly networks: BlockList
}
const ENTRY = /^(?<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?<port>\d{1,5}))?$/

/**
 * The setting `TAKT_ALLOW_HOSTS`: `intern.acme`, `intern.acme:8443`, `10.1.2.3:80`, `[fd00::1]:80` or `10.0.0.0/8`, separated by
 * commas or spaces.
 *
 * @throws {Error} Naming the entry that is none of these.
 */
export function readAllowed(setting: string): Allowed {
  const entries = setting.split(/[\s,]+/).filter((entry) => entry !== '')
  const networks = entries.filter((entry) => entry.includes('/'))
  const names = entries.filter((entry) => !entry.includes('/')).map((entry) => entry.toLowerCase())
  const wrong =
    names.find((name) => !ENTRY.test(isIP(name) === 6 ? `[${name}]` : name)) ??
    networks.find((each) => !isNetwork(each))
  if (wrong !== undefined)
    throw new Error(
      `TAKT_ALLOW_HOSTS: \`${wrong}\` is neither a host, nor a host and port, nor a network such as 10.0.0.0/8; say \`host:port\` without a scheme or path`,
    )
  return {
    names: new Set(names.map((name) => (isIP(name) === 6 ? `[${name}]` : name))),
    networks: blockOf(networks),
  }
}

/** By its name, or by the address that it has. @param host  As in a URL: an IPv6 address in brackets. */
export const isNamed = ({ names }: Allowed, host: string, port: string): boolean =>
  names.has(host) || names.has(`${host}:${port}`)

export function isInNetwork({ networks }: Allowed, address: string): boolean {
  const family = familyOf(address)
  return family !== null && networks.check(address, family)
}

function isNetwork(entry: string): boolean {
  const [address = '', bits = '', ...more] = entry.split('/')
  const most = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most
}

function blockOf(networks: readonly string[]): BlockList {
  const block = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    block.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return block
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const family = isIP(address)
  return family === 0 ? null : family === 4 ? 'ipv4' : 'ipv6'
}
