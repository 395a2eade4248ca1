import Docker from 'dockerode'
import { beforeAll, describe, expect, test } from 'vitest'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { groundOf, open } from '../engines/contract.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from '../engines/test-image.ts'
import { planOf } from '../runner/plans.ts'

const reason = await whyNoDocker()

describe.skipIf(reason)(
  `17: what is left over${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    beforeAll(ensureTestImage)

    test('whatever a run has bears its number, and who comes next removes what no run of theirs has', async () => {
      await using ground = await groundOf('left-over')
      const docker = new Docker()
      const filters = { label: [`${LABEL.runner}=${ground.identity}`] }
      const had = async () => {
        const containers = await docker.listContainers({ all: true, filters })
        const { Volumes } = await docker.listVolumes({ filters })
        return [...containers.map(({ Labels }) => Labels), ...Volumes.map(({ Labels }) => Labels)]
      }
      const plan = planOf(['sleep 300'], { image: TEST_IMAGE })
      const first = await dockerEngine(ground, AbortSignal.timeout(20_000))
      await open(first, plan)
      const labels = await had()
      expect(labels.length).toBeGreaterThan(1)
      expect(labels.filter((each) => each[LABEL.run] === String(plan.run))).not.toEqual([])
      const next = await dockerEngine(ground, AbortSignal.timeout(20_000))
      await next.sweep(new Set([plan.run]))
      expect((await had()).some((each) => each[LABEL.run] === String(plan.run))).toBe(true)
      await next.sweep(new Set())
      expect(await had()).toEqual([])
    })
  },
  60_000,
)
