import type { Limits } from './limits.ts'
import { type Allowed, BUILDS, CAPABILITIES, type Purpose } from './door.ts'

export type Settled = {
  readonly limits: Limits
  /** The faster runtime where the engine has it, else nothing: the engine's own choice. */
  readonly runtime: 'crun' | null
}

const MIB = 2 ** 20
/** Our own programs: a shell that sleeps or reads a file. */
const SMALL: Limits = { cpus: 1, memoryBytes: 32 * MIB, pids: 64 }

const always = ({ limits, runtime }: Settled) => ({
  LogConfig: { Type: 'none' as const, Config: {} },
  SecurityOpt: ['no-new-privileges'] as ['no-new-privileges'],
  RestartPolicy: { Name: 'no' as const },
  PidsLimit: limits.pids,
  Memory: limits.memoryBytes,
  MemorySwap: limits.memoryBytes,
  NanoCpus: Math.round(limits.cpus * 1e9),
  ...(runtime ? { Runtime: runtime } : {}),
})

export type WorkFacts = Settled & {
  /** The container whose network namespace it joins. */
  readonly holder: string
  readonly volume: {
    readonly name: string
    readonly target: string
    readonly labels: Record<string, string>
  } | null
  readonly privileged: boolean
}

/** A container of steps or of a service. */
export function workConfig(facts: WorkFacts): { purpose: Purpose; config: Allowed } {
  const { holder, volume, privileged } = facts
  const inside = {
    ...always(facts),
    Init: true as const,
    NetworkMode: `container:${holder}`,
    Mounts: volume ? [mountOf(volume)] : [],
  }
  const free = { SecurityOpt: [] as [], CapDrop: [] as [], CapAdd: [] as [], Privileged: true as const }
  if (privileged) return { purpose: 'privileged', config: { ...inside, ...free } }
  const bound = { CapDrop: ['ALL'] as ['ALL'], CapAdd: [...CAPABILITIES], Privileged: false as const }
  return { purpose: 'work', config: { ...inside, ...bound } }
}

const mountOf = ({ name, target, labels }: NonNullable<WorkFacts['volume']>) => ({
  Type: 'volume' as const,
  Source: name,
  Target: target,
  VolumeOptions: {
    NoCopy: true as const,
    Labels: labels,
    DriverConfig: { Name: 'local' as const, Options: {} },
  },
})

const netAdmin = (network: string, runtime: Settled['runtime']) => ({
  ...always({ limits: SMALL, runtime }),
  NetworkMode: network,
  CapDrop: ['ALL'] as ['ALL'],
  CapAdd: ['NET_ADMIN'] as ['NET_ADMIN'],
  Privileged: false as const,
  ReadonlyPaths: [] as [],
})

export const holderConfig = (network: string, runtime: Settled['runtime']): Allowed =>
  netAdmin(network, runtime)

export const gateConfig = (inside: string, network: string, runtime: Settled['runtime']): Allowed => ({
  ...netAdmin(network, runtime),
  PidMode: `container:${inside}`,
})

/** @param counted  Whether the engine counts for a container what runs below its control group. */
export const insideConfig = (settled: Settled, counted: boolean): Allowed => ({
  ...always(settled),
  NetworkMode: 'none',
  CapDrop: ['ALL'],
  CapAdd: ['NET_ADMIN'],
  Privileged: false,
  ...(counted ? { CgroupParent: BUILDS } : {}),
  ReadonlyPaths: [],
})

export const lookConfig = (runtime: Settled['runtime']): Allowed => ({
  ...always({ limits: SMALL, runtime }),
  NetworkMode: 'host',
  CapDrop: ['ALL'],
  CapAdd: [],
  Privileged: false,
  ReadonlyRootfs: true,
})
