import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { planOf } from '../runner/plans.ts'
import { groundOf } from './contract.ts'
import { derivedImage } from './derived-image.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }
/** Stands in for the probes of all of them: it has its answer a while after the port is open. */
const PROBE = '#!/bin/sh\n[ -e /tmp/ready ] && echo PONG || { echo LOADING; exit 1; }\n'
const TOOLS = ['redis-cli', 'valkey-cli', 'pg_isready', 'mysqladmin', 'mariadb-admin']
const programs = Object.fromEntries(TOOLS.map((name) => [`bin/${name}`, PROBE]))
const listening = (port: number) => `while :; do echo x | nc -l -p ${port}; done`

describe.skipIf(reason)(
  `services whose image is known by its name${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let ground: Awaited<ReturnType<typeof groundOf>>
    let engine: Awaited<ReturnType<typeof dockerEngine>>
    beforeAll(async () => {
      await ensureTestImage()
      ground = await groundOf('known')
      engine = await dockerEngine(ground, AbortSignal.timeout(30_000))
    })
    afterAll(async () => {
      await engine.close()
      await ground[Symbol.asyncDispose]()
    })

    async function started(image: string, commands: string[]): Promise<number> {
      const said: string[] = []
      const service: Plan['services'][number] = {
        ...{ step: 5, name: 'db', image, env: {}, dependsOn: [], health: null },
        commands,
      }
      const say = async (text: string) => void said.push(text)
      const plan = planOf([], { image: TEST_IMAGE, limits, services: [service] })
      await using _workspace = await engine.open(plan, { signal: AbortSignal.timeout(60_000), say })
      return Number(/Service db is ready after (\d+) ms/.exec(said.join(''))?.[1])
    }

    test.each([
      ['redis', 6379],
      ['valkey', 6379],
      ['postgres', 5432],
      ['pgvector', 5432],
      ['mysql', 3306],
      ['mariadb', 3306],
    ])('(%s) are ready when their own probe says so, not when port %i is open', async (name, port) => {
      const image = `takt-test/${name}:${process.pid}`
      await using _image = await derivedImage({ name: image, programs })
      const afterMs = await started(image, [`( sleep 2; touch /tmp/ready ) & ${listening(port)}`])
      expect(afterMs).toBeGreaterThan(1_900)
    })

    test.each([
      ['postgres', 5432],
      ['rabbitmq', 5672],
      ['mongo', 27_017],
    ])('(%s) are ready when port %i is open, where there is no probe', async (name, port) => {
      const image = `takt-test/${name}:${process.pid}-bare`
      await using _image = await derivedImage({ name: image })
      const afterMs = await started(image, [`sleep 1; ${listening(port)}`])
      expect(afterMs).toBeGreaterThan(900)
    })

    test('that end while they are asked break the run, and the check is named', async () => {
      const image = `takt-test/redis:${process.pid}-short`
      await using _image = await derivedImage({ name: image, programs })
      await expect(
        started(image, [`( ${listening(6379)} ) & sleep 2; echo full >&2; exit 3`]),
      ).rejects.toMatchObject({
        code: 'service_unhealthy',
        message: expect.stringContaining('ended with exit code 3 before it was ready. Its last words:\nfull'),
      })
    })
  },
)
