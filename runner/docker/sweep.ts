import type Docker from 'dockerode'
import type { RunId } from '#pipelines/ids.ts'
import type { Log } from '../log.ts'
import { LABEL, type Maker } from './labels.ts'
import { unlessGone, unlessMissing, wordsOf } from './refusal.ts'

export type SweepFacts = { readonly docker: Docker; readonly maker: Maker; readonly log: Log }
type Labelled = { readonly Labels: Record<string, string> | null }

/**
 * Remove the containers, volumes and networks that earlier lives of this runner made, except for those of the runs named and
 * whatever these use. What this life made is somebody's, or waits for somebody.
 */
export async function sweep({ docker, maker, log }: SweepFacts, keep: ReadonlySet<RunId>): Promise<void> {
  const filters = { label: [`${LABEL.runner}=${maker.runner}`] }
  const earlier = <T extends Labelled>(all: readonly T[]) =>
    all.filter(({ Labels }) => Labels?.[LABEL.life] !== maker.life)
  const isKept = ({ Labels }: Labelled) => keep.has(Number(Labels?.[LABEL.run]) as RunId)

  // What cannot be removed today must not keep the runner from its work: its next life tries again.
  const remove = async (removal: Promise<unknown>, what: object) => {
    try {
      await removal
      log.info(what, 'orphan.removed')
    } catch (error) {
      log.warn({ ...what, reason: wordsOf(error) }, 'orphan.left')
    }
  }

  const containers = earlier(await docker.listContainers({ all: true, filters }))
  const used = usedBy(containers.filter(isKept))
  for (const { Id, Labels } of containers.filter((each) => !isKept(each) && !used.has(each.Id))) {
    const removal = docker.getContainer(Id).remove({ force: true, v: true }).catch(unlessGone)
    const what = { run: Labels[LABEL.run], part: Labels[LABEL.part], container: Id.slice(0, 12) }
    await remove(removal, what)
  }
  const { Volumes } = await docker.listVolumes({ filters })
  for (const { Name } of earlier(Volumes ?? []).filter((each) => !isKept(each) && !used.has(each.Name)))
    await remove(docker.getVolume(Name).remove().catch(unlessMissing), { volume: Name })
  // A network that a kept run still hangs on is refused, and stays: that is why it comes last.
  for (const { Id, Name } of earlier((await docker.listNetworks({ filters })) as Named[]))
    await remove(docker.getNetwork(Id).remove().catch(unlessMissing), { network: Name })
}

type Named = Labelled & { readonly Id: string; readonly Name: string }
type Listed = Awaited<ReturnType<Docker['listContainers']>>[number]

/** The holders whose network these containers have joined, and the volumes they have mounted. */
function usedBy(containers: readonly Listed[]): Set<string> {
  const holders = containers.map(({ HostConfig }) => HostConfig.NetworkMode?.replace(/^container:/, '') ?? '')
  const volumes = containers.flatMap(({ Mounts }) => Mounts.flatMap(({ Name }) => Name ?? []))
  return new Set([...holders, ...volumes])
}
