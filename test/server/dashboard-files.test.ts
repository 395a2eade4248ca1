import { expect, test } from 'vitest'
import { startHouse } from '../support/server.ts'

test('scripts of the dashboard come packed to whoever can unpack them, and plain to others', async () => {
  await using house = await startHouse()
  const page = await (await fetch(house.url)).text()
  const [script] = /\/assets\/[^"]+\.js/.exec(page) ?? []
  const get = (encodings: string) =>
    fetch(`${house.url}${script}`, { headers: { 'accept-encoding': encodings } })
  const plain = await get('identity')
  expect(plain.headers.get('content-encoding')).toBeNull()
  const packed = await get('gzip, br')
  expect([packed.headers.get('content-encoding'), packed.headers.get('vary')]).toEqual([
    'br',
    'accept-encoding',
  ])
  expect(packed.headers.get('content-type')).toBe(plain.headers.get('content-type'))
  // fetch unpacks by itself
  expect(await packed.text()).toBe(await plain.text())
})
