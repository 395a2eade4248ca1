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

/** An image that a builder built from, as it told: what a Dockerfile begins with or copies from, or the frontend that it is read by. */
export const BaseImage = z.object({
  as: z.enum(['base', 'frontend']),
  /** By its full name, with its tag where it has one. */
  image: z.string().min(1).max(500),
  /** Null where the builder told none: an image that only the engine has, or one that files were copied from. */
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .nullable(),
})
export type BaseImage = z.output<typeof BaseImage>

/** A Dockerfile has so many; those beyond are only counted. */
export const MOST_BASES = 100

/** A build: by which builder, and what it told that it built from; null where it tells nothing of that. */
export const Built = z.object({
  by: z.string().min(1).max(200),
  from: z.array(BaseImage).max(MOST_BASES).nullable(),
  leftOff: z.int().min(0).default(0),
})
export type Built = z.output<typeof Built>

/** A run has steps and services of at most so many images. */
export const MOST_IMAGES = 200
