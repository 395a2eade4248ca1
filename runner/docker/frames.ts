const HEAD_BYTES = 8
const STDERR = 2

/** A piece of what a container said, and on which of its two streams. */
export type Piece = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }

/**
 * The pieces of an engine's attach stream: frames with a head (kind, three zeros, length as 4 bytes big-endian).
 *
 * Pulls: as long as nobody asks for more, nothing is read, and the container is made to wait.
 */
export async function* frames(stream: AsyncIterable<Buffer>): AsyncGenerator<Piece, void> {
  let head: Buffer = Buffer.alloc(0)
  let missing = 0
  let from: Piece['stream'] = 'stdout'
  for await (const chunk of stream) {
    let rest = chunk
    while (rest.length > 0) {
      if (missing > 0) {
        const bytes = rest.subarray(0, missing)
        missing -= bytes.length
        rest = rest.subarray(bytes.length)
        yield { stream: from, bytes }
      } else {
        const more = rest.subarray(0, HEAD_BYTES - head.length)
        head = Buffer.concat([head, more])
        rest = rest.subarray(more.length)
        if (head.length === HEAD_BYTES) {
          from = head[0] === STDERR ? 'stderr' : 'stdout'
          missing = head.readUInt32BE(4)
          head = Buffer.alloc(0)
        }
      }
    }
  }
}
