import { frames } from './frames.ts'

/** What a container said on both its streams, in order. Pulls, as `frames` does. */
export async function* demux(stream: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array, void> {
  for await (const { bytes } of frames(stream)) yield bytes
}
