import protobuf from 'protobufjs'
import { z } from 'zod'

/** As much of BuildKit's `StatusResponse` as goes into a log. */
const SCHEMA = protobuf
  .parse(
    `syntax = "proto3";
message Status { repeated Vertex vertexes = 1; repeated Log logs = 3; repeated Warning warnings = 4; }
message Vertex { string digest = 1; string name = 3; bool cached = 4; Time started = 5; Time completed = 6; string error = 7; }
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

/** Reads BuildKit's trace of one build into a log: each part's name once, when it begins, and whatever its commands say. */
export class Trace {
  readonly #named = new Set<string>()

  /**
   * @param base64  One message of the trace.
   * @throws When it is none.
   */
  read(base64: string): Uint8Array {
    const { vertexes, logs, warnings } = Status.parse(
      SCHEMA.toObject(SCHEMA.decode(Buffer.from(base64, 'base64'))),
    )
    const lines = vertexes.flatMap((vertex) => this.#lineOf(vertex))
    return Buffer.concat([
      Buffer.from(lines.map((line) => `${line}\n`).join('')),
      ...logs.map(({ msg }) => msg),
      ...warnings.map(({ short }) => Buffer.concat([Buffer.from('WARNING: '), short, Buffer.from('\n')])),
    ])
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
