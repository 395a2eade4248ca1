/**
 * A value as the text of a jsonb column. PostgreSQL holds neither NUL nor half a surrogate pair in text; both become the
 * replacement character, as in any decoder.
 */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'string' ? storable(inner) : inner))

/** The same for a text column. */
export const storable = (text: string): string => text.replaceAll('\0', '\u{FFFD}').toWellFormed()
