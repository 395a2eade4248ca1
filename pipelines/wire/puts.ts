import { z } from 'zod'
import { Built, MOST_IMAGES, RanImage } from './images.ts'
import { CheckedVersion } from './runner.ts'

/**
 * What a runner says of something that a run has put: the body of `POST /runner/runs/<run>/puts/<resource>`, with the run's lease
 * as bearer. The server makes the version of it, in one transaction with everything that the version starts.
 */
const name = z.string().min(1).max(500)
const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
const keys = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/), z.string().max(20_000))
  .refine((set) => Object.keys(set).length <= 200, { error: 'at most 200 keys' })

const Metadata = z.array(z.object({ name: z.string().max(1_000), value: z.string().max(20_000) })).max(200)
type Metadata = z.output<typeof Metadata>

export const PutSaid = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('image'),
    /** As the registry answered. */
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    tags: z.array(name).max(20),
    /** Null: it was not built, but taken as the engine had it. */
    built: Built.nullable().default(null),
  }),
  z.object({
    kind: z.literal('git'),
    sha,
    branch: name,
    message: z.string().max(20_000),
    author: z.string().max(1_000),
  }),
  /** Which part goes up is said here; what comes of it the server says. */
  z.object({
    kind: z.literal('semver'),
    bump: z.enum(['major', 'minor', 'patch', 'final']),
    pre: name.nullable(),
  }),
  /** Overwritten, the keys that are not named go. */
  z.object({ kind: z.literal('params'), set: keys, overwrite: z.boolean().default(false) }),
  /** The name that the store has given to the folder. */
  z.object({ kind: z.literal('files'), folder: name }),
  /** A null folder: only keys were written, and the files stay as they were. */
  z.object({ kind: z.literal('state'), folder: name.nullable(), set: keys }),
  z.object({ kind: z.literal('custom'), version: CheckedVersion, metadata: Metadata }),
])
export type PutSaid = z.output<typeof PutSaid>

/** What was put, and the images that the run had been carried out in by then, for its provenance: their reports may be on their way still. */
export const PutBody = z.object({ said: PutSaid, images: z.array(RanImage).max(MOST_IMAGES) })
export type PutBody = z.output<typeof PutBody>

/** The version that was made, and what it tells: the variables of the steps that come after it. */
export const PutAnswer = z.object({ version: z.string(), fields: z.record(z.string(), z.string()) })
export type PutAnswer = z.output<typeof PutAnswer>
