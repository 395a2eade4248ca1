import type Docker from 'dockerode'
import { BOOTSTRAP } from '../shell.ts'
import { createContainer } from './door.ts'
import { workConfig, type WorkFacts } from './host-config.ts'

/** Where a run's volume is mounted: the root of its workspace. */
export const DIRECTORY = '/takt'

export type ContainerFacts = Pick<WorkFacts, 'holder' | 'limits' | 'privileged' | 'runtime'> & {
  readonly image: string
  readonly name: string
  /** The run's, which all of its containers share. */
  readonly volume: string
  readonly labels: Record<string, string>
}

/**
 * Create a container of a run, not started. Nothing that an author wrote reaches it but the image's name: commands and
 * environment come later, over stdin.
 */
export function createShellContainer(docker: Docker, facts: ContainerFacts): Promise<Docker.Container> {
  const { image, name, volume, labels } = facts
  const { purpose, config } = workConfig({ ...facts, volume: { name: volume, target: DIRECTORY, labels } })
  return createContainer(docker, purpose, {
    name,
    Image: image,
    Entrypoint: ['/bin/sh', '-c', BOOTSTRAP],
    Cmd: [],
    WorkingDir: DIRECTORY,
    // The init process hands SIGTERM to all processes of the shell, not only to the shell itself.
    Env: ['TINI_KILL_PROCESS_GROUP=1'],
    Labels: labels,
    Healthcheck: { Test: ['NONE'] },
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    HostConfig: config,
  })
}
