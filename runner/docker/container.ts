import type { ContainerCreateOptions } from 'dockerode'
import type { Plan } from '#pipelines/wire/plan.ts'
import { BOOTSTRAP } from '../shell.ts'
import { LABEL } from './labels.ts'
import { NETWORK } from './network.ts'

/** Where a run's volume is mounted: the root of its workspace. */
export const DIRECTORY = '/takt'

/** How much of the machine one run may use. */
export type Limits = { readonly memoryBytes: number; readonly cpus: number; readonly pids: number }

/** What a build needs of root's powers inside its container: to own files, to become someone else, to end processes. */
const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'SETGID',
  'SETUID',
  'KILL',
  'NET_BIND_SERVICE',
]

export type ContainerFacts = {
  readonly plan: Pick<Plan, 'run' | 'attempt'>
  readonly image: string
  readonly name: string
  /** The run's, which all of its containers share. */
  readonly volume: string
  readonly runner: string
  readonly limits: Limits
}

/**
 * A container of a run. Nothing that an author wrote reaches it but the image's name: commands and environment come
 * later, over stdin.
 */
export function containerOptions({
  plan,
  image,
  name,
  volume,
  runner,
  limits,
}: ContainerFacts): ContainerCreateOptions {
  const labels = {
    [LABEL.run]: String(plan.run),
    [LABEL.attempt]: String(plan.attempt),
    [LABEL.runner]: runner,
  }
  return {
    name,
    Image: image,
    Entrypoint: ['/bin/sh', '-c', BOOTSTRAP],
    Cmd: [],
    WorkingDir: DIRECTORY,
    // The init process hands SIGTERM to all processes of the shell, not only to the shell itself.
    Env: ['TINI_KILL_PROCESS_GROUP=1'],
    Labels: labels,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    HostConfig: {
      Init: true,
      NetworkMode: NETWORK,
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [
        {
          Type: 'volume',
          Source: volume,
          Target: DIRECTORY,
          VolumeOptions: { NoCopy: true, Labels: labels, DriverConfig: { Name: 'local', Options: {} } },
        },
      ],
      CapDrop: ['ALL'],
      CapAdd: CAPABILITIES,
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: limits.pids,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      RestartPolicy: { Name: 'no' },
    },
  }
}
