import type { Path, Place } from '../diagnostic.ts'

/** Where each part of a normal pipeline was written. Parts that stand for a default are not in it. */
export type Places = ReadonlyMap<object, Place>
export type Note = <Part extends object>(part: Part, place: Place) => Part

/** A place book and the pen for it. */
export function placeBook(): { readonly places: Places; readonly note: Note } {
  const places = new Map<object, Place>()
  const note: Note = (part, place) => {
    places.set(part, place)
    return part
  }
  return { places, note }
}

export type Entry<Body> = { readonly name: string; readonly body: Partial<Body>; readonly place: Place }

/** `a`, `[a, b]` and `{ a: {…} }` are three ways to write names: here they are one. */
export function entriesOf<Body extends object>(
  written: string | readonly string[] | Readonly<Record<string, Body>> | undefined,
  path: Path,
): Entry<Body>[] {
  if (written === undefined) return []
  if (typeof written === 'string') return [{ name: written, body: {}, place: { path, at: 'value' } }]
  if (isList(written))
    return written.map((name, index) => ({ name, body: {}, place: { path: [...path, index], at: 'value' } }))
  return Object.entries(written).map(([name, body]) => ({
    name,
    body,
    place: { path: [...path, name], at: 'key' },
  }))
}

/** One, several or none, as a list. */
export function listed<T>(written: T | readonly T[] | undefined): readonly T[] {
  if (written === undefined) return []
  return isList(written) ? written : [written]
}

export const isList = <T>(written: unknown | readonly T[]): written is readonly T[] => Array.isArray(written)
