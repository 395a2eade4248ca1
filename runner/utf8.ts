/**
 * How many of the last bytes are the beginning of a character whose end is missing: 0 to 3.
 *
 * Bytes that can belong to no character are not held against anyone: they count as complete.
 */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0b1100_0000) === 0b1000_0000) continue // a middle byte: its head is further to the front
    return lengthFromHead(byte) > back ? back : 0
  }
  return 0
}

function lengthFromHead(byte: number): number {
  if (byte >= 0xf0 && byte < 0xf8) return 4
  if (byte >= 0xe0) return byte < 0xf0 ? 3 : 1
  return byte >= 0xc0 ? 2 : 1
}
