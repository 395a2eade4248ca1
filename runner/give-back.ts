/**
 * Give the memory of bytes back at once, which nobody may look at any more.
 *
 * A long log leaves memory behind faster than the collector looks for it; left to that, its looking costs more than the log.
 * What Node may have laid beside other buffers in one piece of memory stays.
 */
export function giveBack({ buffer, length }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer)) return
  const alone = length === buffer.byteLength || buffer.byteLength > Buffer.poolSize
  if (alone) buffer.transfer(0)
}
