import { frames } from './frames.ts'

/** All that a container says up to its end, as text. */
export async function textOf(stream: NodeJS.ReadableStream, mostBytes: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const bytes of demux(stream as AsyncIterable<Buffer>)) {
    pieces.push(bytes)
    if ((size += bytes.length) > mostBytes) throw new Error(`a container said more than ${mostBytes} bytes`)
  }
  return Buffer.concat(pieces).toString()
}

/** What a container said on both its streams, in order. Pulls, as `frames` does. */
export async function* demux(stream: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array, void> {
  for await (const { bytes } of frames(stream)) yield bytes
}
