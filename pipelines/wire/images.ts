import { z } from 'zod'

/** What an engine really ran of an image that a run names: a name may mean another image at any time. */
export const RanImage = z.object({
  /** As the plan names it. */
  image: z.string().min(1).max(500),
  /** The digest of its configuration, by which an engine knows an image. */
  id: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** `name@sha256:…`, as the registries know it that it came from or went to; none of what was only built. */
  digests: z.array(z.string().max(600)).max(20),
})
export type RanImage = z.output<typeof RanImage>

/** A run has steps and services of at most so many images. */
export const MOST_IMAGES = 200
