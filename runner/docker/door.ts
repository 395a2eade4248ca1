import type Docker from 'dockerode'
import type { ContainerCreateOptions } from 'dockerode'
import { z } from 'zod'

/** What a build needs of root's powers inside its container: to own files, to become someone else, to end processes. */
export const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'SETGID',
  'SETUID',
  'KILL',
  'NET_BIND_SERVICE',
] as const

/** Where the kernel counts what builds use, on engines that let a container say so. */
export const BUILDS = '/takt-builds'

const empty = z.tuple([])
/** A volume of one run. Never a folder of the engine's machine. */
const Volume = z.strictObject({
  Type: z.literal('volume'),
  Source: z.string().regex(/^takt-[a-z0-9-]+$/),
  Target: z.string().regex(/^\/[a-z]+$/),
  VolumeOptions: z.strictObject({
    NoCopy: z.literal(true),
    Labels: z.record(z.string(), z.string()),
    DriverConfig: z.strictObject({ Name: z.literal('local'), Options: z.strictObject({}) }),
  }),
})

const Always = {
  LogConfig: z.strictObject({ Type: z.literal('none'), Config: z.strictObject({}) }),
  SecurityOpt: z.tuple([z.literal('no-new-privileges')]),
  RestartPolicy: z.strictObject({ Name: z.literal('no') }),
  Runtime: z.literal('crun').optional(),
  PidsLimit: z.number().int().positive(),
  Memory: z.number().int().positive(),
  MemorySwap: z.number().int().positive(),
  NanoCpus: z.number().int().positive(),
}
const unprivileged = { CapDrop: z.tuple([z.literal('ALL')]), Privileged: z.literal(false) }

/** Steps and services: in the network namespace that a holder has prepared, with no power over it. */
const Inside = {
  ...Always,
  Init: z.literal(true),
  NetworkMode: z.string().regex(/^container:[0-9a-f]{64}$/),
  Mounts: z.array(Volume).max(1),
}

/** Everything that can be asked of the engine for a container, by what the container is for; whatever else is refused. */
const ALLOWED = {
  work: z.strictObject({ ...Inside, ...unprivileged, CapAdd: z.array(z.enum(CAPABILITIES)) }),
  /** An image that the operator named by its digest. */
  privileged: z.strictObject({
    ...Inside,
    SecurityOpt: empty,
    CapDrop: empty,
    CapAdd: empty,
    Privileged: z.literal(true),
  }),
  /** Our own program in our own image, before anything of a run is there. */
  holder: z.strictObject({
    ...Always,
    ...unprivileged,
    NetworkMode: z.string().regex(/^takt(-[a-z0-9-]+)?$/),
    CapAdd: z.tuple([z.literal('NET_ADMIN')]),
    /** So that it may set what of /proc/sys belongs to its network. */
    ReadonlyPaths: empty,
  }),
  /** The same for what opens into the network of another container of ours, whose process 1 it has to see. */
  gate: z.strictObject({
    ...Always,
    ...unprivileged,
    NetworkMode: z.string().regex(/^takt(-[a-z0-9-]+)?$/),
    PidMode: z.string().regex(/^container:[0-9a-f]{64}$/),
    CapAdd: z.tuple([z.literal('NET_ADMIN')]),
    ReadonlyPaths: empty,
  }),
  /** Our own program in our own image: owns a network that only a gate leads out of, and bounds what runs in there. */
  inside: z.strictObject({
    ...Always,
    ...unprivileged,
    NetworkMode: z.literal('none'),
    CapAdd: z.tuple([z.literal('NET_ADMIN')]),
    CgroupParent: z.literal(BUILDS).optional(),
    ReadonlyPaths: empty,
  }),
  /** Reads which addresses the engine's machine has. */
  look: z.strictObject({
    ...Always,
    ...unprivileged,
    NetworkMode: z.literal('host'),
    CapAdd: empty,
    ReadonlyRootfs: z.literal(true),
  }),
}
export type Purpose = keyof typeof ALLOWED
export type Allowed = z.output<(typeof ALLOWED)[Purpose]>

export type Creation = Omit<ContainerCreateOptions, 'HostConfig'> & { readonly HostConfig: Allowed }

/**
 * Create a container: the one place where the engine is asked for one, so that nothing but what `ALLOWED` lists can be asked,
 * whatever a plan holds and whoever builds the options.
 */
export async function createContainer(
  docker: Docker,
  purpose: Purpose,
  { HostConfig, ...rest }: Creation,
): Promise<Docker.Container> {
  // Parsed here again, because a type holds nobody back who casts.
  return docker.createContainer({ ...rest, HostConfig: ALLOWED[purpose].parse(HostConfig) })
}
