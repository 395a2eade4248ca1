const HEAD_BYTES = 8

/**
 * The payload of an engine's attach stream, without its frame heads (kind, three zeros, length as 4 bytes big-endian).
 *
 * Pulls: as long as nobody asks for more, nothing is read, and the container is made to wait.
 */
export async function* demux(stream: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array, void> {
  let head: Buffer = Buffer.alloc(0)
  let missing = 0
  for await (const chunk of stream) {
    let rest = chunk
    while (rest.length > 0) {
      if (missing > 0) {
        const payload = rest.subarray(0, missing)
        missing -= payload.length
        rest = rest.subarray(payload.length)
        yield payload
      } else {
        const more = rest.subarray(0, HEAD_BYTES - head.length)
        head = Buffer.concat([head, more])
        rest = rest.subarray(more.length)
        if (head.length === HEAD_BYTES) {
          missing = head.readUInt32BE(4)
          head = Buffer.alloc(0)
        }
      }
    }
  }
}
