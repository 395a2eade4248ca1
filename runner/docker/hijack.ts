import { connect } from 'node:net'
import type { Writable } from 'node:stream'
import type Docker from 'dockerode'
import { z } from 'zod'
import { demux } from './demux.ts'
import { Intake } from './intake.ts'
import type { Pipe } from './pipe.ts'

/** Both ends of what runs in a container. */
export type Wire = { readonly input: Writable; readonly output: AsyncIterable<Uint8Array> }

/** An engine at a socket of this machine, as its client keeps that to itself; where nothing is said of it, the client looks for it. */
const Client = z.object({
  protocol: z.literal('http'),
  socketPath: z.union([z.string().min(1), z.custom<() => Promise<string>>(isFunction)]),
  version: z.string().optional(),
})
type Engine = { readonly path: string; readonly version: string | undefined }

/** A request after whose answer the connection belongs to a container. */
export type Request = {
  readonly path: string
  readonly body?: unknown
  /** Where the container's shell speaks, besides; it ends with the connection. */
  readonly pipe?: Pipe | null
}
type Opening = () => Promise<NodeJS.ReadWriteStream>

const MOST_HEAD_BYTES = 16 * 1024
const HEAD_ENDS = '\r\n\r\n'
const YES = /^HTTP\/1\.1 (101|200) /

/**
 * Take a connection over from the engine, by hand: the client would make memory for every piece that it reads, which takes
 * several times as long as reading it. An engine on another machine, and one that has anything else to say than yes, is asked by
 * the client: it knows how, and throws the refusal.
 */
export async function hijack(docker: Docker, request: Request, otherwise: Opening): Promise<Wire> {
  const engine = await engineOf(docker)
  const taken = engine && (await takeOver(engine, request))
  if (taken) return taken
  await request.pipe?.drop()
  return plain(await otherwise())
}

async function engineOf({ modem }: Docker): Promise<Engine | null> {
  const client = Client.safeParse(modem)
  if (!client.success) return null
  const { socketPath, version } = client.data
  return { path: typeof socketPath === 'string' ? socketPath : await socketPath(), version }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** A read error reaches the reader anyway; a write to a container that is gone ends its stream, which says the same. */
function plain(stream: NodeJS.ReadWriteStream): Wire {
  stream.on('error', () => {})
  return { input: stream as unknown as Writable, output: demux(asBuffers(stream)) }
}

async function* asBuffers(stream: NodeJS.ReadableStream): AsyncGenerator<Buffer, void> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
}

/** @returns Null where the engine does not say yes. */
async function takeOver(engine: Engine, request: Request): Promise<Wire | null> {
  const answered = Promise.withResolvers<boolean>()
  let head = Buffer.alloc(0)
  let open = false
  const hear = (bytes: Uint8Array): boolean => {
    if (open) return output.take(bytes)
    head = Buffer.concat([head, bytes])
    const end = head.indexOf(HEAD_ENDS)
    if (end === -1 && head.length < MOST_HEAD_BYTES) return true
    open = true
    answered.resolve(end !== -1 && YES.test(head.toString('latin1')))
    return output.take(head.subarray(end + HEAD_ENDS.length))
  }
  const callback = (count: number, buffer: Uint8Array) => hear(buffer.subarray(0, count))
  const socket = connect({ path: engine.path, onread: { buffer: Intake.desk, callback } })
  const { pipe } = request
  const resume = () => {
    socket.resume()
    pipe?.resume()
  }
  const output: Intake = new Intake({ resume, destroy: () => socket.destroy() })
  const over = () => void (pipe ? pipe.finish() : Promise.resolve()).then(() => output.end(null))
  socket.on('error', (error) => output.end(error)).on('end', over)
  socket.on('close', () => (over(), answered.resolve(false)))
  socket.write(asked(engine, request))
  if (await answered.promise) {
    pipe?.into((bytes) => output.pour(bytes))
    return { input: socket, output }
  }
  socket.destroy()
  return null
}

function asked({ version }: Engine, { path, body }: Request): string {
  const content = body === undefined ? '' : JSON.stringify(body)
  return [
    `POST ${version ? `/${version}` : ''}${path} HTTP/1.1`,
    'Host: docker',
    'Connection: Upgrade',
    'Upgrade: tcp',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(content)}`,
    HEAD_ENDS.slice(2) + content,
  ].join('\r\n')
}
