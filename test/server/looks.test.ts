import { expect, test } from 'vitest'
import { NOBODY } from '#pipelines/access/roles.ts'
import type { Credentials } from '../../server/access/authenticate.ts'
import { Looks } from '../../server/live/looks.ts'
import type { Sight } from '../../server/live/sight.ts'

const SIGHT: Sight = { isSomebody: true, user: null, access: NOBODY, projects: null }
const of = (token: string): Credentials => ({ authorization: `Bearer ${token}`, cookie: undefined })

/** Looks that end when they are told to. */
function looking() {
  const begun: { readonly token: string | undefined; readonly end: PromiseWithResolvers<Sight> }[] = []
  const looks = new Looks(({ authorization }) => {
    const end = Promise.withResolvers<Sight>()
    begun.push({ token: authorization?.slice(7), end })
    return end.promise
  })
  return { looks, begun, tokens: () => begun.map(({ token }) => token) }
}
const turn = () => new Promise((next) => setImmediate(next))

test('connections that show the same credentials share a look, others have their own', async () => {
  const { looks, begun, tokens } = looking()
  const asked = [looks.ask(of('a')), looks.ask(of('a')), looks.ask(of('b'))]
  await turn()
  expect(tokens()).toEqual(['a', 'b'])
  begun.forEach(({ end }) => end.resolve(SIGHT))
  expect(await Promise.all(asked)).toEqual([SIGHT, SIGHT, SIGHT])
})

test('a look that has begun is not shared with who asks after it', async () => {
  const { looks, begun, tokens } = looking()
  const first = looks.ask(of('a'))
  await turn()
  const second = looks.ask(of('a'))
  await turn()
  begun[0]!.end.resolve(SIGHT)
  begun[1]!.end.reject(new Error('the database is away'))
  expect(await first).toBe(SIGHT)
  await expect(second).rejects.toThrow('the database is away')
  expect(tokens()).toEqual(['a', 'a'])
})

test('four look at a time, and one that fails lets the next one begin', async () => {
  const { looks, begun, tokens } = looking()
  const asked = ['a', 'b', 'c', 'd', 'e'].map((token) => looks.ask(of(token)))
  await turn()
  expect(tokens()).toEqual(['a', 'b', 'c', 'd'])
  begun[2]!.end.reject(new Error('the database is away'))
  await expect(asked[2]).rejects.toThrow('the database is away')
  await turn()
  expect(tokens()).toEqual(['a', 'b', 'c', 'd', 'e'])
})
