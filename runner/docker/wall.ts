import type { Walls } from './addresses.ts'

/** Said once everything is in place. */
export const READY = 'ready'

/**
 * What a holder does in its network namespace before a container of the run joins it.
 *
 * A route that says "unreachable" is not enough: the kernel takes an address as a neighbour's when a socket is bound to the
 * interface and no route leads there, and the machine answers for each of its addresses on each of its bridges. So every closed
 * address also gets a neighbour entry that leads nowhere. Then the way out must not go by the bridge's own address, which is
 * closed too: it goes to the same card by another name. Only NET_ADMIN could undo this, and nobody who joins has it.
 *
 * Arguments: the name of the way out, `closed…` `--` `open…`. The applets are called by their program's name, which works whatever the image links.
 */
export const WALL = `set -eu
way=$1
shift
b() { /bin/busybox "$@"; }
fail() { echo "$*"; exit 1; }
for conf in all eth0; do
  file=/proc/sys/net/ipv4/conf/$conf/rp_filter
  # What the closed machine asks for its neighbours is answered all the same.
  [ "$(b cat $file)" = 0 ] || echo 0 > $file
done
gate=$(b ip route | b sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p')
[ -n "$gate" ] || fail "the network has no gateway"
b nc -w 2 "$gate" 9 </dev/null >/dev/null 2>&1 &
card=
tries=0
while [ -z "$card" ]; do
  card=$(b sed -n "s/^$gate  *0x1  *0x[26]  *\\([0-9a-f:]*\\) .*/\\1/p" /proc/net/arp)
  tries=$((tries + 1))
  [ $tries -lt 400 ] || fail "the gateway $gate does not answer"
  [ -n "$card" ] || b usleep 5000
done
nowhere=02:00:00:00:00:01
b arp -i eth0 -s $way "$card"
b ip route add $way dev eth0
b ip route del default
b ip route add default via $way dev eth0
closed=1
for address in "$@"; do
  if [ "$address" = -- ]; then closed=; continue; fi
  if [ -z "$closed" ]; then b ip route add "$address" via $way dev eth0; continue; fi
  b ip route add unreachable "$address"
  case $address in */*) ;; *) b arp -i eth0 -s "$address" $nowhere ;; esac
done
b ip route del $way dev eth0
`

/** The same for one address that the machine got later; it may be closed already. Says `READY` where it is closed. */
export const ONE_MORE = `b() { /bin/busybox "$@"; }
said=$(b ip route add unreachable "$1" 2>&1) || case $said in *"File exists"*) ;; *) echo "$said"; exit 1 ;; esac
b arp -i eth0 -s "$1" 02:00:00:00:00:01 && echo ${READY}
`

const WAIT = `echo ${READY}
exec /bin/busybox sleep 2147483647
`

/** Where a gate is found from the inside: an address that nobody else can ask for, as each inside has only the one neighbour. */
const INNER_HOP = '169.254.1.9'

/**
 * What a gate does beyond that: it hands its address on to the network namespace of the container whose process 1 is its own, and
 * stands between that and the bridge from then on. Whoever has NET_RAW can write frames past every route of their own namespace,
 * straight to the bridge; past these they cannot, as the only card in there leads to the gate, which routes what it gets.
 *
 * The gate keeps another address on its outer card, without which the kernel would drop all routes there.
 */
const GATE = `
set -eu
b() { /bin/busybox "$@"; }
own=$(b ip -4 addr show dev eth0 | b sed -n 's/^ *inet \\([0-9./]*\\) .*/\\1/p')
[ -n "$own" ] || { echo "the gate has no address"; exit 1; }
net=/proc/sys/net/ipv4
echo 0 > $net/conf/default/rp_filter
b ip link add inside type veth
peer=$(b ip link show dev inside | b sed -n 's/^[0-9]*: inside@\\([^:]*\\):.*/\\1/p')
b ip link set dev "$peer" name wall0
b ip link set dev wall0 netns 1
for conf in /proc/sys/net/ipv6/conf/inside/disable_ipv6; do [ ! -e $conf ] || echo 1 > $conf; done
b ip addr add ${INNER_HOP}/32 dev eth0
b ip addr add ${INNER_HOP}/32 dev inside
b ip link set dev inside up
b ip addr del "$own" dev eth0
b ip route add "\${own%/*}" dev inside
echo 0 > $net/neigh/eth0/proxy_delay
echo 1 > $net/conf/eth0/proxy_arp
echo 1 > $net/ip_forward
`

/** In the namespace behind a gate: take over its address, `$1`. Says `READY` where that is done. */
export const ENTER = `set -eu
b() { /bin/busybox "$@"; }
b ip link set dev wall0 name eth0
conf=/proc/sys/net/ipv6/conf/eth0/disable_ipv6
[ ! -e $conf ] || echo 1 > $conf
b ip addr add "$1/32" dev eth0
b ip link set dev eth0 up
b ip route add ${INNER_HOP} dev eth0
b ip route add default via ${INNER_HOP} dev eth0
echo ${READY}
`

/** What a holder is started with, and a gate. */
export function holderCommand({ closed, open, way }: Walls, kind: 'holder' | 'gate' = 'holder'): string[] {
  const wall = closed.length === 0 ? '' : WALL
  const script = wall + (kind === 'gate' ? GATE : '') + WAIT
  return ['/bin/sh', '-c', script, 'holder', ...(wall === '' ? [] : [way, ...closed, '--', ...open])]
}

/** What the container behind a gate is started with, which owns the namespace in there. */
export const INSIDE: readonly string[] = ['/bin/sh', '-c', WAIT]
