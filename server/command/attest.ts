import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { opened } from '../attestations/envelope.ts'
import { AttestationKeys, Attestations } from '../attestations/routes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, RED, WRONG_USE } from './ending.ts'
import { memberAt } from './places.ts'
import { note, out, outJson } from './print.ts'

type Asked = {
  readonly json?: true
  readonly of?: string
  readonly key?: string
  readonly digest?: string
}

const Envelope = Attestations.shape.items.element.shape.envelope
/** What is looked at of a statement; all of it is printed with --json. */
const Statement = z.object({
  subject: z.array(z.object({ name: z.string(), digest: z.record(z.string(), z.string()) })).min(1),
  predicateType: z.string(),
  predicate: z
    .object({ buildDefinition: z.object({ resolvedDependencies: z.array(z.unknown()) }) })
    .optional()
    .catch(undefined),
})
/** An image that the engine ran, among what a version was made of. */
const Ran = z.object({
  name: z.literal('image'),
  uri: z.string(),
  digest: z.object({ sha256: z.string() }),
  annotations: z.object({ image_id: z.string(), reference: z.string().optional() }),
})

/** An image that the builder built from. */
const Base = z.object({
  name: z.enum(['base', 'frontend']),
  uri: z.string(),
  digest: z.object({ sha256: z.string() }).optional(),
})

/**
 * Say whether provenance was signed by the server: of a version that the server knows, or of a file that was taken from it, and
 * with `--key` without asking anybody.
 */
export async function verifyAttestation(what: string, asked: Asked): Promise<number> {
  const envelope = asked.of === undefined ? await envelopeIn(what) : await envelopeOf(what, asked.of)
  const keys = asked.key === undefined ? await keysOfServer() : await keysIn(asked.key)
  const found = opened(envelope, keys)
  if (!found)
    throw new Ending(
      RED,
      `${what}: none of ${keys.length} keys signed this; it was changed, or is another server's`,
    )
  const read = Statement.safeParse(found.statement)
  if (!read.success) throw new Ending(RED, `${what}: it is signed, and is no in-toto statement`)
  const { subject } = read.data
  const digests = subject.flatMap(({ digest }) => Object.values(digest))
  if (asked.digest !== undefined && !digests.includes(asked.digest.replace(/^sha256:/, '')))
    throw new Ending(
      RED,
      `${what}: it is signed, and speaks of ${digests.join(', ')}, not of ${asked.digest}`,
    )
  if (asked.json) outJson(found.statement)
  else out([...subject.map(inLines), ...ranIn(read.data)].join(''))
  note(`signed with the key ${found.keyid}`)
  return 0
}

type Subject = z.output<typeof Statement>['subject'][number]

const inLines = ({ name, digest }: Subject): string =>
  [name, ...Object.entries(digest).map((pair) => pair.join(':')), ''].join('\n')

/** A line for each image that it was made in, by the digest of its registry where one knows it, or built from. */
function ranIn({ predicate }: z.output<typeof Statement>): string[] {
  const made = predicate?.buildDefinition.resolvedDependencies ?? []
  return made.flatMap((one) => {
    const { data: base } = Base.safeParse(one)
    if (base) return [baseLine(base)]
    const { data: ran } = Ran.safeParse(one)
    if (!ran) return []
    const { reference, image_id } = ran.annotations
    return [`ran ${ran.uri.replace('docker://', '')}: ${reference ?? `image ${image_id}, of no registry`}\n`]
  })
}

const baseLine = ({ name, uri, digest }: z.output<typeof Base>): string =>
  `${name === 'base' ? 'built from' : 'read by'} ${uri.replace('docker://', '')}: ${digest ? `sha256:${digest.sha256}` : 'the builder told no digest'}\n`

async function envelopeOf(resource: string, version: string): Promise<z.output<typeof Envelope>> {
  const path = `${memberAt('resources', resource)}/versions/${encodeURIComponent(version)}/attestation`
  const { items } = await call<z.output<typeof Attestations>>(readConfig(), path)
  const [newest] = items
  if (!newest) throw new Ending(RED, `${resource} ${version} has no signed provenance`)
  return newest.envelope
}

/** An envelope, or the answer of the API that has it in it. */
async function envelopeIn(path: string): Promise<z.output<typeof Envelope>> {
  const content = await jsonIn(path)
  const list = Attestations.safeParse(content)
  const read = Envelope.safeParse(list.success ? list.data.items[0]?.envelope : content)
  if (read.success) return read.data
  throw new Ending(
    WRONG_USE,
    `${path} holds no DSSE envelope; for a version of the server write --of <version>`,
  )
}

async function keysIn(path: string): Promise<readonly string[]> {
  const read = AttestationKeys.safeParse(await jsonIn(path))
  if (read.success) return read.data.keys.map(({ public_key }) => public_key)
  throw new Ending(WRONG_USE, `${path} is not the server's /.well-known/takt-attestations.json`)
}

async function keysOfServer(): Promise<readonly string[]> {
  const path = '/.well-known/takt-attestations.json'
  return (await call<z.output<typeof AttestationKeys>>(readConfig(), path)).keys.map(
    ({ public_key }) => public_key,
  )
}

async function jsonIn(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Ending(
      WRONG_USE,
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  })
  try {
    return JSON.parse(text)
  } catch {
    throw new Ending(WRONG_USE, `${path} is not JSON`)
  }
}
