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
 * @throws {EngineError} `image_pull_failed`
 */
export async function ensureHolderImage(
  { docker, images }: { readonly docker: Docker; readonly images: Images },
  options: OpenOptions,
): Promise<string> {
  for (const image of [HOLDER_IMAGE, PUBLIC_IMAGE]) if (await exists(docker, image)) return image
  const busybox = await findBusybox()
  if (busybox) {
    await importDemo(docker, { repository: HOLDER_IMAGE, busybox })
    return HOLDER_IMAGE
  }
  await images.fetch(PUBLIC_IMAGE, options)
  return PUBLIC_IMAGE
}

async function exists(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect()
    return true
  } catch (error) {
    if (isStatus(error, 404)) return false
    throw error
  }
}
