import { z } from '@hono/zod-openapi'

/** Begins with a letter or digit, so that none is `..`; no slash, so that a key is one part of an address. */
export const VALUE_KEY = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/
export const valueKey = z
  .string()
  .regex(VALUE_KEY, { error: 'a key is up to 200 of A-Z, a-z, 0-9, `.`, `_`, `:` and `-`' })

const time = z.iso.datetime()
const around = {
  version: z.number().int().openapi({ description: 'Counted for each key from 1; also its ETag' }),
  set_at: time,
  set_by: z.string(),
}

export const Value = z
  .object({ key: z.string(), value: z.string(), ...around })
  .openapi('Value', { description: 'A value of a project: text that anybody who works with it may read' })

export const ListedValue = z
  .object({
    key: z.string(),
    value: z.string().openapi({ description: 'The beginning of a long one' }),
    bytes: z.number().int(),
    whole: z.boolean().openapi({ description: 'Whether `value` is all of it' }),
    ...around,
  })
  .openapi('ListedValue')

export const ValueList = z.object({
  items: z.array(ListedValue),
  next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
})

export const PastValue = z
  .object({ value: z.string().nullable().openapi({ description: 'Null: removed' }), ...around })
  .openapi('PastValue')

export const ValueHistory = z.object({ items: z.array(PastValue), next: z.string().nullable() })
