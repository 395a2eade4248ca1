import { z } from '@hono/zod-openapi'
import { Problem } from '../problem.ts'

/** What somebody thinks that they change: `0` where there should be nothing yet, null where they do not say. */
export type Expected = number | null

/** Headers of a request that changes only what is as its sender knows it. */
export const Preconditions = z.object({
  'if-match': z
    .string()
    .max(100)
    .optional()
    .openapi({ description: 'The ETag, or the version, that this replaces: else it is refused' }),
  'if-none-match': z
    .literal('*', { error: 'write *: only where there is none yet' })
    .optional()
    .openapi({ description: '`*`: only where there is none yet' }),
})

/** @throws {Problem} `invalid-request` where it names no version. */
export function expectedIn(headers: z.output<typeof Preconditions>): Expected {
  const match = headers['if-match']
  if (headers['if-none-match'] !== undefined) {
    if (match !== undefined)
      throw new Problem('invalid-request', 'headers: send If-Match or If-None-Match, and not both')
    return 0
  }
  if (match === undefined) return null
  const number = /^(?:W\/)?"?([1-9]\d{0,8})"?$/.exec(match.trim())?.[1]
  if (number === undefined)
    throw new Problem('invalid-request', `headers: If-Match names a version, such as "3", and not ${match}`)
  return Number(number)
}

export const etag = (version: number) => `"${version}"`

/** @throws {Problem} `changed-meanwhile`. */
export function mustBe(expected: Expected, { version, what }: { version: number; what: string }): void {
  if (expected === null || expected === version) return
  const now = version === 0 ? 'there is none' : `it is at version ${version}`
  const wanted = expected === 0 ? 'there should be none yet' : `version ${expected} was expected`
  throw new Problem('changed-meanwhile', `${what}: ${wanted}, and ${now}; look at it and decide again`, {
    version,
  })
}
