import type { RunId } from '#pipelines/ids.ts'
import { LABEL } from './labels.ts'
import type { House } from './engine.ts'
import { isStatus } from './refusal.ts'

/** Remove the containers and volumes with this runner's label, except for those of the runs named. */
export async function sweep(
  house: Pick<House, 'docker' | 'identity' | 'log'>,
  keep: ReadonlySet<RunId>,
): Promise<void> {
  const { docker, identity, log } = house
  const filters = { label: [`${LABEL.runner}=${identity}`] }
  const kept = (labels: Record<string, string>) => keep.has(Number(labels[LABEL.run]) as RunId)
  const containers = await docker.listContainers({ all: true, filters })
  for (const { Id, Labels } of containers.filter(({ Labels }) => !kept(Labels))) {
    await docker.getContainer(Id).remove({ force: true, v: true }).catch(unlessGone)
    log.info({ run: Number(Labels[LABEL.run]), container: Id.slice(0, 12) }, 'orphan.removed')
  }
  const { Volumes } = await docker.listVolumes({ filters })
  for (const { Name, Labels } of Volumes.filter(({ Labels }) => !kept(Labels))) {
    await docker.getVolume(Name).remove().catch(unlessGone)
    log.info({ run: Number(Labels[LABEL.run]), volume: Name }, 'orphan.removed')
  }
}

/** Gone already, or being removed by someone else at this moment: what was wanted. */
function unlessGone(error: unknown): void {
  if (!isStatus(error, 404, 409)) throw error
}
