import { createHash } from 'node:crypto'
import { fullImageName } from '#pipelines/policy/image-name.ts'
import type { BaseImage, Built, RanImage } from '#pipelines/wire/images.ts'
import type { FoundRun, UsedStep, UsedVersion } from './facts.ts'

/** What a kind of run reads and writes is described in the README; the number goes up when a field changes its meaning. */
const BUILD_TYPE = 'urn:takt:run:v1'

type Made = {
  readonly resource: string
  readonly name: string
  readonly fields: Readonly<Record<string, string>>
  readonly built: Built | null
}
export type Provenance = {
  readonly run: FoundRun
  readonly made: Made
  readonly inputs: readonly UsedVersion[]
  readonly steps: readonly UsedStep[]
  /** The images that the file names. */
  readonly named: readonly string[]
  /** What the engine ran of them by then. */
  readonly ran: readonly RanImage[]
  readonly publicUrl: string
}

/** An in-toto statement with SLSA provenance (v1): what was made, of what, by which run. It holds no value that a job was given in secret. */
export function statementOf({ run, made, inputs, steps, named, ran, publicUrl }: Provenance): object {
  const pipeline = `${run.project}/${run.pipeline}`
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${pipeline}/${made.resource}@${made.name}`, digest: digestOf(made) }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: {
          ...{ project: run.project, pipeline: run.pipeline, lane: run.lane, job: run.job },
          ...{ start: run.start, revision: run.sha, matrix: run.matrix },
          inputs: Object.keys(run.given ?? {}),
          images: named,
        },
        internalParameters: { steps, ...(made.built === null ? {} : { build: buildOf(made.built) }) },
        resolvedDependencies: [
          ...inputs.map((input) => dependency(pipeline, input)),
          ...ran.map(imageOf),
          ...(made.built?.from ?? []).map((base) => baseOf(base, made.built)),
        ],
      },
      runDetails: {
        builder: {
          id: publicUrl,
          version: { takt: run.version },
          builderDependencies: [{ name: `runner ${run.runner}` }],
        },
        metadata: {
          invocationId: `${publicUrl}/runs/${run.id}#${run.attempt}`,
          startedOn: run.started_at?.toISOString(),
        },
      },
    },
  }
}

const HEX = /^[0-9a-f]+$/
const textOf = (bytes: string) => createHash('sha256').update(bytes).digest('hex')

/** Of an image its own digest, of a commit its hash; of what is only said, the digest of what is said. */
function digestOf({ name, fields }: Pick<Made, 'name' | 'fields'>): Record<string, string> {
  const [kind, hex = ''] = (fields['digest'] ?? name).split(':', 2)
  if (kind === 'sha256' && hex.length === 64 && HEX.test(hex)) return { sha256: hex }
  if ((name.length === 40 || name.length === 64) && HEX.test(name)) return { gitCommit: name }
  const sorted = Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { sha256: textOf(JSON.stringify([name, sorted])) }
}

function dependency(pipeline: string, { resource, name, url, fields }: UsedVersion): object {
  const uri = url === null ? `urn:takt:${pipeline}/${resource}` : url
  return { name: resource, uri, digest: digestOf({ name, fields }), annotations: { version: name } }
}

/**
 * An image that was run, by the digest that its registry knows it by; of one that no registry knows by that of its configuration, in
 * which all that it holds stands by digest.
 */
function imageOf({ image, id, digests }: RanImage): object {
  const known = referenceOf(image, digests)
  const [, sha256 = ''] = (known ?? id).split('sha256:', 2)
  return {
    name: 'image',
    uri: `docker://${image}`,
    digest: { sha256 },
    annotations: {
      image_id: id,
      ...(known === null ? { digest_of: 'configuration' } : { reference: known }),
    },
  }
}

/** How much is known of what an image was built from: that nothing is told must not look like nothing. */
const buildOf = ({ by, from, leftOff }: Built) => ({
  builder: by,
  bases: from === null ? 'not told by the builder' : 'as the builder tells them',
  ...(leftOff > 0 ? { bases_left_off: leftOff } : {}),
})

/** What an image was built from, as the builder resolved it. One without a digest has none here, and is named all the same. */
const baseOf = ({ as, image, digest }: BaseImage, built: Built | null): object => ({
  name: as,
  uri: `docker://${image}`,
  ...(digest === null ? {} : { digest: { sha256: digest.slice('sha256:'.length) } }),
  annotations: { told_by: built?.by, ...(digest === null ? { digest: 'not told by the builder' } : {}) },
})

/** The one of the repository that was named, as an image may have come from several. */
function referenceOf(image: string, digests: readonly string[]): string | null {
  const repository = repositoryOf(image)
  const good = digests.filter((digest) => /@sha256:[0-9a-f]{64}$/.test(digest))
  return good.find((digest) => repositoryOf(digest) === repository) ?? good[0] ?? null
}

/** Without its tag and digest. */
const repositoryOf = (image: string): string =>
  fullImageName(image)
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
