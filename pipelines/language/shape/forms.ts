import { z } from 'zod'
import { decimal, flag, key, listOf, oneOf, ruled, some, someText, text, whole } from './scalars.ts'

const shown = {
  label: key(someText, 'What people read beside the field; its name when absent'),
  default: key(text, 'What the field holds when nobody changes it'),
  required: key(flag, 'Whether it may stay empty; true when absent'),
}

const FIELD_NAME = /^[a-z][a-z0-9_-]{0,49}$/
const fieldName = ruled({ rule: 'name' }, (value) =>
  FIELD_NAME.test(value) ? null : 'a field is named with a-z, 0-9, _ and -, and begins with a letter',
)

/** A field is named by its kind alone, listed as its choices, or spelled out. */
const Field = z.union([
  oneOf('text', 'number', 'bool'),
  listOf(text, 100),
  z.strictObject({
    text: z
      .strictObject({
        min: key(whole(0, 20_000), 'The least number of characters'),
        max: key(whole(1, 20_000), 'The most characters'),
      })
      .describe('A line of text'),
    ...shown,
  }),
  z.strictObject({
    number: z
      .strictObject({
        min: key(decimal, 'The least value'),
        max: key(decimal, 'The greatest value'),
        step: key(decimal, 'Values are this far apart, counted from the least one'),
      })
      .describe('A number'),
    ...shown,
  }),
  z.strictObject({ bool: z.strictObject({}).describe('Yes or no'), ...shown }),
  z.strictObject({ choice: listOf(text, 100).describe('One of these'), ...shown }),
])
export type Field = z.output<typeof Field>

export const Form = z.record(fieldName, Field)
export type Form = z.output<typeof Form>

export const people = some(someText, 50)
