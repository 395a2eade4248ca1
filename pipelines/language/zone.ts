/** Names that are good everywhere, though the list of zones leaves them out. */
const EVERYWHERE = ['UTC', 'Etc/UTC', 'GMT']

const zones: readonly string[] = [...EVERYWHERE, ...Intl.supportedValuesOf('timeZone')]

/** The time zones of the IANA database under their present names. Older spellings are left out: they differ by machine. */
export const timeZones = (): readonly string[] => zones

export const isTimeZone = (name: string): boolean => zones.includes(name)
