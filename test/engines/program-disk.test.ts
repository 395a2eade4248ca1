import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LABEL } from '../../runner/docker/labels.ts'
import { Checks } from '../../runner/resources/check.ts'
import { getCustom, putCustom } from '../../runner/resources/custom.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { doubleImage } from './double-image.ts'
import type { Double } from './double-image.ts'
import { machineOf } from './machine.ts'
import { placeOf } from './place.ts'
import { ensureTestImage, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const docker = new Docker()
const identity = `disk-${process.pid}-${Date.now()}`
const diskBytes = 60 * 2 ** 20
const filters = { label: [`${LABEL.runner}=${identity}`, `${LABEL.part}=resource`] }
const containers = async () => (await docker.listContainers({ all: true, filters })).length

describe.skipIf(reason)(`the disk of a resource's program${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let machine: Machine
  let double: Double
  beforeAll(async () => {
    await ensureTestImage()
    machine = await machineOf(identity, { diskBytes })
    double = await doubleImage(docker, ['VOLUME /kept'])
  })
  afterAll(() => double[Symbol.asyncDispose]())

  const asked = (what: string) => ({
    kind: 'custom' as const,
    resource: 'odd',
    image: double.name,
    source: { do: what },
    params: {},
  })
  const tooMuch = (who: string) => ({
    code: 'disk_full',
    message: expect.stringMatching(
      new RegExp(`^The ${who} had written .* lets it have 60 MiB \\(TAKT_DISK\\)\\.$`),
    ),
  })

  test('that it fills as it gets ends the step, with the reason', async () => {
    await using place = await placeOf()
    const get = { ...asked('fill'), version: { ref: 'first' } }
    await expect(getCustom(machine, get, place.at)).rejects.toMatchObject(tooMuch('run'))
    expect(place.heard()).toContain('filling\n')
    expect(await containers()).toBe(0)
  }, 60_000)

  test('that it fills as it puts, in a volume of its image, ends the step too', async () => {
    await using place = await placeOf()
    await expect(putCustom(machine, asked('fill-volume'), place.at)).rejects.toMatchObject(tooMuch('run'))
    expect(place.heard()).toContain('filling\n')
    expect(await containers()).toBe(0)
  }, 60_000)

  test('that a check fills ends the check, with the reason, and the next one begins with none of it', async () => {
    await using checks = new Checks(machine, { slots: 1 })
    const ask = (what: string) => ({
      image: double.name,
      source: { do: what },
      version: null,
      timeoutMs: 60_000,
    })
    expect(await checks.check(ask('fill'))).toEqual({ error: tooMuch('check') })
    expect(await containers()).toBe(0)
  }, 60_000)

  test('that checks fill little by little is bounded as well', async () => {
    await using checks = new Checks(machine, { slots: 1 })
    const ask = { image: double.name, source: { do: 'sip' }, version: null, timeoutMs: 60_000 }
    expect(await checks.check(ask)).toMatchObject({ versions: [{ ref: 'first' }, { count: '1' }] })
    expect(await checks.check(ask)).toMatchObject({ versions: [{ ref: 'first' }, { count: '2' }] })
    expect(await checks.check(ask)).toEqual({ error: tooMuch('check') })
    expect(await checks.check(ask)).toMatchObject({ versions: [{ ref: 'first' }, { count: '1' }] })
  }, 60_000)
})
