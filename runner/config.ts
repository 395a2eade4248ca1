import { createHash } from 'node:crypto'
import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { parseDuration } from '#pipelines/language/duration.ts'
import { type DockerConfig, dockerConfig, dockerSettings } from './docker/settings.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TOKEN_LENGTH = 16
const MOST_SLOTS = 1_000
const IDLE_MS = 5 * 60_000
const MOST_IDLE_MS = 86_400_000
/** What of the environment reaches git: where programs are, how the network is reached. Never the runner's token. */
const FOR_GIT = ['PATH', 'HOME', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'GIT_SSL_CAINFO'].concat(
  ...['http_proxy', 'https_proxy', 'no_proxy'].map((name) => [name, name.toUpperCase()]),
)

/** `gpu,arch=arm64`: a name alone, or with a value. */
const labels = z.string().transform((text, context) => {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  const entries = pairs.map((pair) => pair.split('=').map((part) => part.trim()))
  if (
    entries.some(
      (entry) => entry.length > 2 || !entry[0] || entry[0].length > 100 || (entry[1] ?? '').length > 200,
    )
  ) {
    context.addIssue({ code: 'custom', message: 'must look like gpu,arch=arm64' })
    return z.NEVER
  }
  return Object.fromEntries(entries.map(([key = '', value = '']) => [key, value] as const))
})

/** `4`, or `2-8`. */
const slots = z.string().transform((text, context) => {
  const [, least = '', most = least] = /^([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?$/.exec(text.trim()) ?? []
  const size = { least: Number(least), most: Number(most) }
  if (least !== '' && size.least <= size.most && size.most <= MOST_SLOTS) return size
  const message = `must be a number from 1 to ${MOST_SLOTS}, or two of them as in 2-8`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const idle = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== null && ms > 0 && ms <= MOST_IDLE_MS) return ms
  context.addIssue({ code: 'custom', message: 'must be a time span from 1s to 1d, as in 90s or 5m' })
  return z.NEVER
})

/** The runner's settings, read once from the environment. The README's table is printed from these descriptions. */
export const Settings = z.object({
  TAKT_SERVER: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .describe('Address of the server, as this machine reaches it'),
  TAKT_RUNNER_TOKEN: z
    .string({ error: 'is required' })
    .min(TOKEN_LENGTH, `must have at least ${TOKEN_LENGTH} characters`)
    .describe('The secret all runners of a server share'),
  TAKT_ENGINE: z
    .enum(['docker', 'local', 'scripted'], { error: 'must be docker or local' })
    .optional()
    .describe('Where runs are executed; docker where an engine answers, else local'),
  TAKT_SLOTS: slots
    .default({ least: availableParallelism(), most: availableParallelism() })
    .describe(
      'How many runs at once, as in 4; or 2-8: so many more while runs wait and the machine has room. As many as there are cores',
    ),
  TAKT_IDLE: idle
    .optional()
    .describe('How long a slot above the least is kept that nobody needs, as in 90s; 5m when absent'),
  TAKT_LABELS: labels
    .default({})
    .describe(
      'What this runner can do, for jobs that ask for it with `runs_on`, as in gpu,zone=eu; os, arch and engine it knows by itself',
    ),
  TAKT_DATA: z.string().min(1).default(join(ROOT, 'data')).describe('Folder for mirrors and workspaces'),
  TAKT_RUNNER_NAME: z.string().default(hostname()).describe('Its name in the dashboard; the host name'),
  ...dockerSettings,
})

export type Config = {
  /** The server's address as this machine reaches it, without a slash at the end. */
  readonly server: string
  /** Where to dial: ws or wss. */
  readonly address: string
  readonly token: string
  readonly engine: 'docker' | 'local' | 'scripted' | undefined
  readonly slots: { readonly least: number; readonly most: number }
  readonly idleMs: number
  readonly labels: Readonly<Record<string, string>>
  /** The runner's own folder. */
  readonly folder: string
  readonly name: string
  /** The name and, in eight digits, the folder: what tells this runner's leftovers from another one's of the same name. */
  readonly identity: string
  readonly path: string
  readonly gitEnv: Readonly<Record<string, string>>
  readonly docker: DockerConfig
}

/** Everything that is wrong with the settings, by name; values are not repeated, they may be secret. */
export class ConfigError extends Error {}

/** @throws {ConfigError} Naming all that is wrong at once. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const settings = Settings.safeParse(given)
  if (!settings.success) {
    throw new ConfigError(
      settings.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'),
    )
  }
  const { data } = settings
  const folder = join(resolve(data.TAKT_DATA), 'runner')
  const name = data.TAKT_RUNNER_NAME.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 100) || 'runner'
  return {
    server: data.TAKT_SERVER.replace(/\/+$/, ''),
    address: dialAddress(data.TAKT_SERVER),
    token: data.TAKT_RUNNER_TOKEN,
    engine: data.TAKT_ENGINE,
    slots: data.TAKT_SLOTS,
    idleMs: data.TAKT_IDLE ?? IDLE_MS,
    labels: data.TAKT_LABELS,
    folder,
    name,
    identity: `${name}.${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`,
    path: given['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    gitEnv: Object.fromEntries(FOR_GIT.flatMap((key) => (given[key] ? [[key, given[key]] as const] : []))),
    docker: dockerConfig(data),
  }
}

function dialAddress(server: string): string {
  const url = new URL(server)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.pathname = `${url.pathname.replace(/\/$/, '')}/runner`
  return url.href
}
