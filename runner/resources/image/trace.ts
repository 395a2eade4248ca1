import type { BaseImage } from '#pipelines/wire/images.ts'
import protobuf from 'protobufjs'
import { z } from 'zod'

/** As much of BuildKit's `StatusResponse` as goes into a log. */
const SCHEMA = protobuf
  .parse(
    `syntax = "proto3";
message Status { repeated Vertex vertexes = 1; repeated Log logs = 3; repeated Warning warnings = 4; }
message Vertex { string digest = 1; repeated string inputs = 2; string name = 3; bool cached = 4; Time started = 5; Time completed = 6; string error = 7; }
message Log { string vertex = 1; bytes msg = 4; }
message Warning { bytes short = 3; }
message Time { int64 seconds = 1; }`,
  )
  .root.lookupType('Status')

const bytes = z.instanceof(Uint8Array)
const Status = z.object({
  vertexes: z
    .array(
      z.object({
        digest: z.string(),
        inputs: z.array(z.string()).default([]),
        name: z.string().default(''),
        cached: z.boolean().default(false),
        started: z.unknown().optional(),
        completed: z.unknown().optional(),
        error: z.string().default(''),
      }),
    )
    .default([]),
  logs: z.array(z.object({ msg: bytes.default(new Uint8Array()) })).default([]),
  warnings: z.array(z.object({ short: bytes.default(new Uint8Array()) })).default([]),
})

/** `[stage 1/2] FROM docker.io/library/node:22@sha256:…`; what `COPY --from=` names stands without brackets, and often without digest. */
const FROM = /^(?:\[[^\]]*\] )?FROM (\S{1,500}?)(?:@(sha256:[0-9a-f]{64}))?$/
/** The frontend that a Dockerfile names in its `# syntax=` line. */
const FRONTEND = /^docker-image:\/\/(\S{1,500}?)(?:@(sha256:[0-9a-f]{64}))?$/

/** Reads BuildKit's trace of one build into a log: each part's name once, when it begins, and whatever its commands say. */
export class Trace {
  readonly #named = new Set<string>()
  readonly #bases = new Map<string, BaseImage>()

  /** The images that were built from, each once. A frontend of the author's own may name them as it likes, and stands among them. */
  get bases(): readonly BaseImage[] {
    return [...this.#bases.values()]
  }

  /**
   * @param base64  One message of the trace.
   * @throws When it is none.
   */
  read(base64: string): Uint8Array {
    const { vertexes, logs, warnings } = Status.parse(
      SCHEMA.toObject(SCHEMA.decode(Buffer.from(base64, 'base64'))),
    )
    for (const vertex of vertexes) this.#noteBase(vertex)
    const lines = vertexes.flatMap((vertex) => this.#lineOf(vertex))
    return Buffer.concat([
      Buffer.from(lines.map((line) => `${line}\n`).join('')),
      ...logs.map(({ msg }) => msg),
      ...warnings.map(({ short }) => Buffer.concat([Buffer.from('WARNING: '), short, Buffer.from('\n')])),
    ])
  }

  /** What comes from outside has no input of the build's own: a command that prints such words, or is called so, has. */
  #noteBase({ name, inputs }: z.output<typeof Status>['vertexes'][number]): void {
    if (inputs.length > 0) return
    const base = FROM.exec(name)
    const [, image, digest = null] = base ?? FRONTEND.exec(name) ?? []
    if (image !== undefined) this.#bases.set(name, { as: base ? 'base' : 'frontend', image, digest })
  }

  #lineOf({
    digest,
    name,
    cached,
    started,
    completed,
    error,
  }: z.output<typeof Status>['vertexes'][number]): string[] {
    const lines: string[] = []
    if (started && !this.#named.has(digest) && (cached || !completed || error === '')) {
      this.#named.add(digest)
      lines.push(cached ? `CACHED ${name}` : name)
    }
    return error ? [...lines, `ERROR ${name}: ${error}`] : lines
  }
}
