import type Docker from 'dockerode'
import type { OpenOptions } from '../engine.ts'
import { findBusybox, importDemo } from './demo-image.ts'
import type { Images } from './images.ts'
import { isStatus } from './refusal.ts'

/** Made from the machine's own busybox. */
export const HOLDER_IMAGE = 'takt-holder:1'
/** Where the machine has none. */
const PUBLIC_IMAGE = 'busybox:stable'

/**
 * The image of our own small containers: a busybox, from this machine where it has one, else pulled.
 *
 * @returns Its id: names are given to other images in the course of time.
 * @throws {EngineError} `image_pull_failed`
 */
export async function ensureHolderImage(
  { docker, images }: { readonly docker: Docker; readonly images: Images },
  options: OpenOptions,
): Promise<string> {
  for (const image of [HOLDER_IMAGE, PUBLIC_IMAGE]) {
    const id = await idOf(docker, image)
    if (id !== null) return id
  }
  const busybox = await findBusybox()
  if (!busybox) return (await images.ensure(PUBLIC_IMAGE, options)).id
  await importDemo(docker, { repository: HOLDER_IMAGE, busybox })
  return (await images.ensure(HOLDER_IMAGE, options)).id
}

async function idOf(docker: Docker, image: string): Promise<string | null> {
  try {
    return (await docker.getImage(image).inspect()).Id
  } catch (error) {
    if (isStatus(error, 404)) return null
    throw error
  }
}
