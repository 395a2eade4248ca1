import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'

/** All addresses that a Linux network namespace has, those of interfaces that are down too. */
export const FIB = '/proc/net/fib_trie'
/** Cloud providers answer here to every machine of theirs, with its credentials: the range, and where most of them do. */
const LINK_LOCAL: Range = { address: '169.254.0.0', prefix: 16 }
const METADATA = '169.254.169.254'
const WAYS = ['169.254.1.1', '169.254.1.2', '169.254.1.3']

/** What an operator may write: one address, a range, or `all`. */
export function parseAllowed(text: string): Allowances | null {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length === 1 && parts[0] === 'all') return { all: true, ranges: [] }
  const ranges = parts.map(parseRange)
  return ranges.every((range) => range !== null) ? { all: false, ranges } : null
}

export type Range = { readonly address: string; readonly prefix: number }
export type Allowances = { readonly all: boolean; readonly ranges: readonly Range[] }

function parseRange(text: string): Range | null {
  const [address = '', prefix = '32', ...more] = text.split('/')
  const bits = Number(prefix)
  const good = isIP(address) === 4 && /^\d+$/.test(prefix) && bits <= 32 && more.length === 0
  return good ? { address, prefix: bits } : null
}

/** The addresses in the text of `/proc/net/fib_trie`, without those of the loopback. */
export function addressesIn(trie: string): string[] {
  const found = new Set<string>()
  let last = ''
  for (const line of trie.split('\n')) {
    const [, address] = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line) ?? []
    if (address) last = address
    else if (/\/32 host LOCAL$/.test(line) && !last.startsWith('127.')) found.add(last)
  }
  return [...found].sort()
}

/** The addresses of this process's own machine, or container. */
export const ownAddresses = (): Promise<string[]> => readFile(FIB, 'utf8').then(addressesIn)

export type Walls = {
  /** Single addresses, and ranges, that nothing may reach. */
  readonly closed: readonly string[]
  /** Parts of closed ranges that may be reached all the same. */
  readonly open: readonly string[]
  /** An address that nobody has: the name of the way out. */
  readonly way: string
}

/** What the containers of a run may not reach, given the addresses of the engine's machine. */
export function wallsAround(addresses: readonly string[], allowed: Allowances): Walls {
  const way = WAYS.find((address) => !addresses.includes(address)) ?? ''
  if (allowed.all) return { closed: [], open: [], way }
  const free = new BlockList()
  for (const { address, prefix } of allowed.ranges) free.addSubnet(address, prefix)
  const closed = [...addresses, METADATA].filter((address) => !free.check(address))
  if (allowed.ranges.some(({ address, prefix }) => prefix <= 16 && isWithin(LINK_LOCAL, { address, prefix })))
    return { closed: [...new Set(closed)], open: [], way }
  const open = allowed.ranges.filter((range) => isWithin(range, LINK_LOCAL))
  return {
    closed: [...new Set([...closed, written(LINK_LOCAL)])],
    open: open.map(written),
    way,
  }
}

function isWithin(inner: Range, outer: Range): boolean {
  const list = new BlockList()
  list.addSubnet(outer.address, outer.prefix)
  return inner.prefix >= outer.prefix && list.check(inner.address)
}

const written = ({ address, prefix }: Range): string => `${address}/${prefix}`
