import { Readable } from 'node:stream'
import tar from 'tar-fs'

/** A folder as a tar stream, everything in it owned by root; `mode` says who may do what with each entry. */
export function pack(path: string, mode: (header: tar.Headers) => number): Readable {
  const entries = tar.pack(path, { map: (header) => ({ ...header, uid: 0, gid: 0, mode: mode(header) }) })
  return Readable.from(entries, { objectMode: false })
}

/**
 * Hand a stream to `send` and take it back: an error while the folder is read ends the sending with that error.
 *
 * @param send  Gets a signal to give to the engine's client, which does not watch the stream itself.
 */
export async function sending<T>(
  stream: Readable,
  signal: AbortSignal,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const broken = new AbortController()
  stream.once('error', (error) => broken.abort(error))
  try {
    return await send(AbortSignal.any([signal, broken.signal]))
  } catch (error) {
    throw broken.signal.aborted ? broken.signal.reason : error
  } finally {
    stream.destroy()
  }
}
