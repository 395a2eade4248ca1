/**
 * What a record holds under a name that somebody else chose. A plain object answers to `constructor` and `toString` as well, which it
 * does not hold, and a file may name its things so.
 */
export const ownIn = <Value>(
  record: Readonly<Record<string, Value>> | null | undefined,
  name: string,
): Value | undefined => (record && Object.hasOwn(record, name) ? record[name] : undefined)
