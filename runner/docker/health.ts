import type { Plan } from '#pipelines/wire/plan.ts'

type Probe = NonNullable<Plan['services'][number]['health']>['probe']

/** How a service is asked whether it can be used. */
export type Check = {
  /** Its holder sees the same network and has our own tools; the service's own container has the image's. */
  readonly where: 'holder' | 'service'
  /**
   * A shell script that ends, saying `$healthy`, when the service can be used. What else it says is what the last
   * try found, for whoever has to find out why it cannot.
   */
  readonly script: string
  readonly arguments: readonly string[]
  /** For people, after "its check: ". */
  readonly words: string
}

export type HealthFacts = {
  readonly image: string
  readonly health: Plan['services'][number]['health']
  /** The ports that the image says it listens on, lowest first. */
  readonly exposed: readonly number[]
}

const POLL_US = 50_000

/**
 * Some images listen before they are ready, and say so by a tool of their own. It is asked where the image has it, once the port
 * is open.
 */
const KNOWN: readonly {
  readonly names: readonly string[]
  readonly port: number
  readonly tool: string | null
}[] = [
  {
    names: ['postgres', 'postgresql', 'postgis', 'timescaledb', 'pgvector'],
    port: 5432,
    tool: '! command -v pg_isready || pg_isready -q -h 127.0.0.1 -U "${POSTGRES_USER:-postgres}"',
  },
  {
    names: ['mysql', 'percona'],
    port: 3306,
    tool: '! command -v mysqladmin || mysqladmin --connect-timeout=2 -h 127.0.0.1 ping',
  },
  {
    names: ['mariadb'],
    port: 3306,
    tool: '! command -v mariadb-admin || mariadb-admin --connect-timeout=2 -h 127.0.0.1 ping',
  },
  { names: ['redis'], port: 6379, tool: answers('redis-cli') },
  { names: ['valkey'], port: 6379, tool: answers('valkey-cli') },
  // Both open their port to others last of all.
  { names: ['rabbitmq'], port: 5672, tool: null },
  { names: ['mongo', 'mongodb'], port: 27017, tool: null },
]

/** One that wants a password first has answered too. */
function answers(client: string): string {
  return `! command -v ${client} || case "$(${client} ping 2>&1)" in *PONG*|*NOAUTH*) ;; *) false ;; esac`
}

/** The checks of a service, to be passed one after the other; none where nothing is known of it but that it runs. */
export function checksOf({ image, health, exposed }: HealthFacts): Check[] {
  if (health) return [ofProbe(health.probe, health.intervalMs)]
  const name = nameOf(image)
  const known = KNOWN.find(({ names }) => names.includes(name))
  const [first] = exposed
  if (known)
    return [
      ofPort(known.port),
      ...(known.tool === null ? [] : [ofCommand(unheard(known.tool), 1_000, `${name} answers`)]),
    ]
  return first === undefined ? [] : [ofPort(first)]
}

/** What a tool says of a service that everybody knows is no news. */
const unheard = (tool: string) => `{ ${tool}\n} >/dev/null 2>&1`

/** `postgres` of `hub.acme.io:5000/library/postgres:17@sha256:…` */
const nameOf = (image: string): string => image.replace(/@.*$/, '').replace(/^.*\//, '').replace(/:.*$/, '')

function ofProbe(probe: Probe, intervalMs: number): Check {
  switch (probe.kind) {
    case 'tcp':
      return ofPort(probe.port)
    case 'http':
      return ofPage(probe, intervalMs)
    case 'run':
      return ofCommand(probe.command, intervalMs, `\`${probe.command}\` ends with 0`)
  }
}

/** Whether somebody listens there for others than itself, read off the kernel's table: the service notices nothing of it. */
const LISTENS = `b() { /bin/busybox "$@"; }
listens() {
  b cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | b awk -v port=":$1" '
    $4 == "0A" && substr($2, length($2) - 4) == port && $2 !~ /^......7F:/ && $2 !~ /^0+1000000:/ { found = 1 }
    END { exit !found }'
}
until listens "$1"; do b usleep ${POLL_US}; done
`

const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')

const ofPort = (port: number): Check => ({
  where: 'holder',
  script: `${LISTENS}echo "$healthy"`,
  arguments: [hex(port)],
  words: `somebody listens on port ${port}`,
})

/** Asked by hand, over a pipe that stays open: some servers give no answer to who has closed its half. */
const ofPage = ({ port, path }: Extract<Probe, { kind: 'http' }>, intervalMs: number): Check => ({
  where: 'holder',
  script: `${LISTENS}at=$(b ip addr show dev eth0 | b sed -n 's/.* inet \\([0-9.]*\\).*/\\1/p')
b mkfifo /tmp/ask.$$
exec 3<>/tmp/ask.$$
answers() {
  printf 'GET %s HTTP/1.0\\r\\nHost: %s:%s\\r\\nConnection: close\\r\\n\\r\\n' "$3" "$at" "$2" >&3
  first=$(b timeout 5 /bin/busybox nc "$at" "$2" <&3 2>&1 | b head -n 1)
  case $first in HTTP/*' '[23][0-9][0-9]*) ;; *) echo "\${first:-no answer}"; false ;; esac
}
until answers "$@"; do b usleep "$4"; done
echo "$healthy"`,
  arguments: [hex(port), String(port), path.startsWith('/') ? path : `/${path}`, String(intervalMs * 1_000)],
  words: `http://…:${port}${path} answers`,
})

const ofCommand = (command: string, intervalMs: number, words: string): Check => ({
  where: 'service',
  script: `until /bin/sh -c "$1" </dev/null 2>&1; do sleep ${Math.max(1, Math.ceil(intervalMs / 1_000))}; done; echo; echo "$healthy"`,
  arguments: [command],
  words,
})
