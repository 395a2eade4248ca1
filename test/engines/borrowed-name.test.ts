import { randomBytes } from 'node:crypto'
import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { borrowName, returnNames } from '../../runner/resources/image/borrowed-name.ts'
import { putImage } from '../../runner/resources/image/put.ts'
import { imagePut } from './image-puts.ts'
import { machineOf } from './machine.ts'
import { placeOf } from './place.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const docker = new Docker()
const runner = `borrower-${process.pid}-${Date.now()}`

describe.skipIf(reason)(`the name of a push${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ours: string
  let theirs: string
  const names: string[] = []
  beforeAll(async () => {
    await ensureTestImage()
    ours = (await docker.getImage(TEST_IMAGE).inspect()).Id
    theirs = await otherImage()
  })
  afterAll(() => docker.getImage(theirs).remove({ force: true }))
  afterEach(async () => {
    for (const name of names.splice(0))
      await docker
        .getImage(name)
        .remove({ force: true })
        .catch(() => {}) // gone
    await returnNames(docker, runner)
  })

  /** An image besides that of the tests. */
  async function otherImage(): Promise<string> {
    const container = await docker.createContainer({ Image: TEST_IMAGE, Cmd: ['true'] })
    // A name of its own keeps it where a test takes another one away.
    const [repo, tag] = ['takt-test/other', runner]
    await container.commit({ repo, tag, changes: `LABEL made=${runner}` })
    await container.remove()
    return (await docker.getImage(`${repo}:${tag}`).inspect()).Id
  }
  const newName = () => {
    const repository = `127.0.0.1:1/acme/name-${randomBytes(4).toString('hex')}`
    names.push(`${repository}:one`)
    return { repository, tag: 'one', runner }
  }
  const idOf = (name: string) =>
    docker
      .getImage(name)
      .inspect()
      .then(
        ({ Id }) => Id,
        () => null, // nothing has the name
      )
  const notes = async () =>
    (await docker.listVolumes({ filters: { label: [`dev.takt.borrower=${runner}`] } })).Volumes.length

  test('is given back to the image that had it', async () => {
    const { repository, ...rest } = newName()
    await docker.getImage(theirs).tag({ repo: repository, tag: 'one' })
    {
      await using _name = await borrowName(docker, { repository, ...rest, id: ours })
      expect(await idOf(`${repository}:one`)).toBe(ours)
    }
    expect(await idOf(`${repository}:one`)).toBe(theirs)
    expect(await notes()).toBe(0)
  })

  test('is taken away again where nothing had it', async () => {
    const { repository, ...rest } = newName()
    {
      await using _name = await borrowName(docker, { repository, ...rest, id: ours })
      expect(await idOf(`${repository}:one`)).toBe(ours)
    }
    expect(await idOf(`${repository}:one`)).toBeNull()
  })

  test('stays with an image that got it meanwhile', async () => {
    const { repository, ...rest } = newName()
    {
      await using _name = await borrowName(docker, { repository, ...rest, id: ours })
      await docker.getImage(theirs).tag({ repo: repository, tag: 'one' })
    }
    expect(await idOf(`${repository}:one`)).toBe(theirs)
  })

  test('is given back by the next life of a runner that was killed during the push, and by no other', async () => {
    const [had, had_not] = [newName(), newName()]
    await docker.getImage(theirs).tag({ repo: had.repository, tag: 'one' })
    for (const name of [had, had_not]) await borrowName(docker, { ...name, id: ours })
    await returnNames(docker, 'somebody-else')
    expect(await idOf(`${had.repository}:one`)).toBe(ours)
    await returnNames(docker, runner)
    expect(await idOf(`${had.repository}:one`)).toBe(theirs)
    expect(await idOf(`${had_not.repository}:one`)).toBeNull()
    expect(await notes()).toBe(0)
  })

  test('is given back also by a put that fails', async () => {
    await using place = await placeOf()
    const { repository } = newName()
    await docker.getImage(theirs).tag({ repo: repository, tag: 'one' })
    const put = imagePut('', { repository, build: null, image: TEST_IMAGE })
    await expect(putImage(await machineOf(runner), put, place.at)).rejects.toMatchObject({
      code: 'push_failed',
    })
    expect(await idOf(`${repository}:one`)).toBe(theirs)
  })

  test('is refused before anything is built where it has no owner', async () => {
    await using place = await placeOf()
    const put = imagePut('', { repository: 'takt-holder', tags: ['1'] })
    await expect(putImage(await machineOf(runner), put, place.at)).rejects.toThrow(/nobody else pushes/)
    expect(place.heard()).toBe('')
  })
})
