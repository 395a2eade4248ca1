import { Unreadable } from './unreadable.ts'

/** Enough of a file to see its byte order mark and its XML declaration. */
export const HEAD_BYTES = 256

/**
 * What turns a report's bytes into text: by its byte order mark, its XML declaration, or UTF-8. Bytes that are no text become
 * U+FFFD: a test that prints rubbish has run all the same.
 *
 * @throws {Unreadable} Where the declaration names no encoding.
 */
export function decoderFor(head: Uint8Array): TextDecoder {
  const [a = 0, b = 0] = head
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return new TextDecoder('utf-16be')
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return new TextDecoder('utf-16le')
  const declared = /^\uFEFF?<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)/.exec(
    new TextDecoder().decode(head),
  )?.[1]
  // It was read as single bytes so far, whatever it says.
  if (declared === undefined || /^utf-?16/i.test(declared)) return new TextDecoder()
  try {
    return new TextDecoder(declared)
  } catch {
    throw new Unreadable(
      `is in the encoding \`${declared.slice(0, 40)}\`, which is not known; write it in UTF-8`,
    )
  }
}
