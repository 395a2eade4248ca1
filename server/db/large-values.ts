import type { ClientBase } from 'pg'

/** From here on a value is handed to the socket as it lies, instead of being copied several times on its way there. */
const LARGE_BYTES = 16 * 1024

/** The message by which pg hands over a query's values, as its own connection takes it. */
type Bind = {
  readonly portal?: string
  readonly statement?: string
  readonly binary?: boolean
  readonly values?: readonly unknown[]
  readonly valueMapper?: (value: unknown, index: number) => unknown
}
type Connection = {
  bind(config: Bind): void
  readonly stream: { readonly writable: boolean; cork(): void; write(bytes: Buffer): boolean; uncork(): void }
}

/**
 * Let a connection send large values without a copy. Log comes by the megabyte; pg joins all values of a query to one message, in
 * memory that grows as it goes.
 */
export function sendLargeAsTheyLie(client: ClientBase): void {
  const { connection } = client as unknown as { connection: Connection }
  const plain = connection.bind.bind(connection)
  connection.bind = (config) =>
    config.values?.some((value) => isLarge(value)) ? send(connection, partsOf(config)) : plain(config)
}

const isLarge = (value: unknown) => Buffer.isBuffer(value) && value.length >= LARGE_BYTES

function send({ stream }: Connection, parts: readonly Buffer[]): void {
  if (!stream.writable) return // it is gone, and says so by itself
  stream.cork()
  for (const part of parts) stream.write(part)
  stream.uncork()
}

/** The message `Bind` of PostgreSQL's protocol: names, a format for each value, the values, one format for all results. */
function partsOf({ portal = '', statement = '', binary = false, values = [], valueMapper }: Bind): Buffer[] {
  const mapped = values.map((value, index) => bytesOf(valueMapper ? valueMapper(value, index) : value))
  const body = [
    Buffer.from(`${portal}\0${statement}\0`),
    int16s(mapped.length, ...mapped.map(({ raw }) => (raw ? 1 : 0)), mapped.length),
    ...mapped.flatMap(({ bytes }) => (bytes ? [int32(bytes.length), bytes] : [int32(-1)])),
    int16s(1, binary ? 1 : 0),
  ]
  const size = body.reduce((sum, { length }) => sum + length, 4) // its own length counts
  return [Buffer.from('B'), int32(size), ...body]
}

function bytesOf(value: unknown): { readonly bytes: Buffer | null; readonly raw: boolean } {
  if (value === null || value === undefined) return { bytes: null, raw: false }
  return Buffer.isBuffer(value)
    ? { bytes: value, raw: true }
    : { bytes: Buffer.from(String(value)), raw: false }
}

function int16s(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(numbers.length * 2)
  for (const [index, number] of numbers.entries()) bytes.writeUInt16BE(number, index * 2)
  return bytes
}

function int32(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(number)
  return bytes
}
