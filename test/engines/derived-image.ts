import Docker from 'dockerode'
import tar from 'tar-stream'
import { TEST_IMAGE } from './test-image.ts'

export type Derived = {
  /** `repository:tag` */
  readonly name: string
  /** As in a Dockerfile: `USER 1000`. */
  readonly changes?: string
  /** Programs, and other texts, by their path below `/`. */
  readonly programs?: Readonly<Record<string, string>>
}

/** The test image with something more; disposing removes its name. */
export async function derivedImage({ name, changes, programs = {} }: Derived): Promise<AsyncDisposable> {
  const docker = new Docker()
  const container = await docker.createContainer({ Image: TEST_IMAGE, Cmd: ['true'] })
  try {
    const pack = tar.pack()
    for (const [path, text] of Object.entries(programs)) pack.entry({ name: path, mode: 0o755 }, text)
    pack.finalize()
    await container.putArchive(pack as unknown as NodeJS.ReadableStream, { path: '/' })
    const [repo, tag] = name.split(':')
    await container.commit({ repo, tag, ...(changes ? { changes } : {}) })
  } finally {
    await container.remove()
  }
  return { [Symbol.asyncDispose]: () => docker.getImage(name).remove() }
}
