import { type SecretStore, StoreRefusal } from './store.ts'

/**
 * Where a secret lies in a store, as people write it: `deploy/keys#private`, a path and a field of what lies there. The path goes on
 * where that of its owner ends, and no part of it begins with a dot, so that nobody points at what is another’s.
 */
export const REFERENCE = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*(#[A-Za-z0-9_.-]+)?$/
export const MOST_REFERENCE_LETTERS = 200

/** Whose a secret is, by name; those of an organization are of no project. */
export type Holder = { readonly organization: string; readonly project: string | null }

/** The name of what is referred to, in the words of its store: below the server’s own part, the organization’s and the project’s. */
export function nameAt(
  store: SecretStore,
  { prefix, holder, reference }: { prefix: string; holder: Holder; reference: string },
): { readonly name: string; readonly field: string | null } {
  const [path = '', field] = reference.split('#')
  const { organization, project } = holder
  const parts = [prefix, organization, ...(project === null ? [] : [project]), ...path.split('/')]
  return { name: store.nameOf(parts), field: field ?? store.field }
}

/** A field of an object in JSON; without a field all of the text. @throws {StoreRefusal} */
export function fieldIn(text: string, field: string | null): string {
  if (field === null) return text
  const object = objectIn(text)
  if (object === null) throw new StoreRefusal(`it is no object in JSON, so it has no field \`${field}\``)
  const value = Object.hasOwn(object, field) ? object[field] : undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new StoreRefusal(
    value === undefined
      ? `it has no field \`${field}\`; name one behind a \`#\``
      : `its field \`${field}\` is no text`,
  )
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? { ...read } : null
  } catch {
    return null // text that is no JSON has no fields, which the caller says
  }
}
