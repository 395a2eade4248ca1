import { z } from 'zod'
import { type Allowances, parseAllowed } from './addresses.ts'
import type { Maxima } from './limits.ts'
import { isExactImage } from './privileged.ts'

const BUILD_NETWORKS = ['walled', 'none', 'bridge'] as const
export type BuildNetwork = (typeof BUILD_NETWORKS)[number]

const UNIT: Readonly<Record<string, number>> = { M: 1e6, G: 1e9, Mi: 2 ** 20, Gi: 2 ** 30 }

/** `8Gi` in bytes. */
const size = z.string().transform((text, context) => {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(M|G|Mi|Gi)$/.exec(text) ?? []
  if (count && Number(count) > 0) return Math.round(Number(count) * (UNIT[unit] ?? 1))
  context.addIssue({ code: 'custom', message: 'must be a size, as in 512Mi or 8Gi' })
  return z.NEVER
})

const allowances = z.string().transform((text, context) => {
  const parsed = parseAllowed(text)
  if (parsed) return parsed
  context.addIssue({
    code: 'custom',
    message: 'must be IPv4 addresses and ranges, as in 10.0.0.5,10.1.0.0/16, or all',
  })
  return z.NEVER
})

const images = z.string().transform((text, context) => {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.every(isExactImage)) return names
  context.addIssue({ code: 'custom', message: 'must name each image by its digest: name@sha256:…' })
  return z.NEVER
})

const count = (most: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .max(most, `must be at most ${most}`)

/** What the operator says about the Docker engine's containers. */
export const dockerSettings = {
  TAKT_WARM: count(50)
    .min(0, 'must be at least 0')
    .default(3)
    .describe('How many containers of each image in use wait ready for the next run; 0 for none'),
  TAKT_MAX_CPUS: z.coerce
    .number({ error: 'must be a number' })
    .min(0.1, 'must be at least 0.1')
    .optional()
    .describe('The most processors a run may ask for; all of the machine'),
  TAKT_MAX_MEMORY: size
    .optional()
    .describe('The most memory a run may ask for, as in 8Gi; all of the machine'),
  TAKT_MAX_PIDS: count(4_194_304)
    .min(16, 'must be at least 16')
    .optional()
    .describe('The most processes and threads a run may ask for; 32768'),
  TAKT_DISK: size
    .optional()
    .describe('What a run may write to disk, as in 20Gi, before it is ended; no limit'),
  TAKT_ALLOW_ADDRESSES: allowances
    .optional()
    .describe(
      'Addresses of the engine’s machine, and link-local ones, that runs may reach all the same: 10.0.0.5,10.1.0.0/16, or all',
    ),
  TAKT_BUILD_NETWORK: z
    .enum(BUILD_NETWORKS, { error: 'must be walled, none or bridge' })
    .default('walled')
    .describe(
      'What RUN lines of a Dockerfile reach: what a run does (walled; nothing where only BuildKit can build), nothing (none), or the engine’s bridge (bridge)',
    ),
  TAKT_PRIVILEGED_IMAGES: images
    .optional()
    .describe(
      'Images that run with all powers of root, each by its digest: name@sha256:…; never for pull requests',
    ),
}

export type DockerConfig = {
  readonly warm: number
  readonly maxima: Partial<Maxima>
  readonly allowed: Allowances
  readonly trusted: readonly string[]
  readonly builds: BuildNetwork
}

const NOTHING: Allowances = { all: false, ranges: [] }
type Given = z.output<z.ZodObject<typeof dockerSettings>>

export const dockerConfig = (given: Given): DockerConfig => ({
  warm: given.TAKT_WARM,
  maxima: {
    ...(given.TAKT_MAX_CPUS ? { cpus: given.TAKT_MAX_CPUS } : {}),
    ...(given.TAKT_MAX_MEMORY ? { memoryBytes: given.TAKT_MAX_MEMORY } : {}),
    ...(given.TAKT_MAX_PIDS ? { pids: given.TAKT_MAX_PIDS } : {}),
    ...(given.TAKT_DISK ? { diskBytes: given.TAKT_DISK } : {}),
  },
  allowed: given.TAKT_ALLOW_ADDRESSES ?? NOTHING,
  trusted: given.TAKT_PRIVILEGED_IMAGES ?? [],
  builds: given.TAKT_BUILD_NETWORK,
})

/** What holds where nobody says anything, as in a test. */
export const PRESET: DockerConfig = { warm: 0, maxima: {}, allowed: NOTHING, trusted: [], builds: 'walled' }
