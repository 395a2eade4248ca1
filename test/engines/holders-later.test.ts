import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { textOf } from '../../runner/docker/demux.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import type { Holder } from '../../runner/docker/holder.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { until } from '../support/until.ts'
import { groundOf } from './contract.ts'
import { whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const docker = new Docker()
const idle = () => new AbortController().signal
const title = `a namespace that lives longer than what it was made for${reason ? ` (skipped: ${reason})` : ''}`

describe.skipIf(reason)(title, { timeout: 60_000 }, () => {
  let ground: Awaited<ReturnType<typeof groundOf>>
  let engine: Awaited<ReturnType<typeof dockerEngine>>
  const holders = () => engine.house.holders
  beforeAll(async () => {
    ground = await groundOf('later')
    engine = await dockerEngine({ ...ground, docker: { warm: 1 } }, AbortSignal.timeout(30_000))
  })
  afterAll(async () => {
    await engine.close()
    await ground[Symbol.asyncDispose]()
  })

  async function routes({ container }: Holder): Promise<string> {
    const exec = await container.exec({ Cmd: ['/bin/busybox', 'ip', 'route'], AttachStdout: true })
    return textOf(await exec.start({}), 10_000)
  }

  test('is closed for what comes later, twice too; one that has ended keeps nobody from it', async () => {
    await using ended = await holders().take(idle())
    await using living = await holders().take(idle())
    await ended.container.kill()
    await holders().closeAlso('203.0.113.7')
    await holders().closeAlso('203.0.113.7')
    expect(await routes(living)).toContain('unreachable 203.0.113.7')
    await until(() => ended.gone)
  })

  test('that cannot be closed is told of', async () => {
    const other = await dockerEngine(ground, AbortSignal.timeout(30_000))
    await using _living = await other.house.holders.take(idle())
    await expect(other.house.holders.closeAlso('no.address')).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringContaining('no.address could not be closed'),
    })
  })

  test('is closed for what came before it was made, too', async () => {
    await holders().closeAlso('203.0.113.9')
    await using later = await holders().take(idle())
    expect(await routes(later)).toContain('unreachable 203.0.113.9')
  })

  test('is handed to nobody when it died while it lay ready', async () => {
    await using first = await holders().take(idle())
    await until(() => holders().ready === 1)
    const filters = { label: [`${LABEL.runner}=${ground.identity}`] }
    for (const { Id } of await docker.listContainers({ filters })) await docker.getContainer(Id).kill()
    await until(() => first.gone)
    await until(async () => {
      await using next = await holders().take(idle())
      return (await next.container.inspect()).State.Running
    })
    await using next = await holders().take(idle())
    expect((await next.container.inspect()).State.Running).toBe(true)
  })
})
