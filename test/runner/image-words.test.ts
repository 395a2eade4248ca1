import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Docker from 'dockerode'
import { expect, test } from 'vitest'
import { Images } from '../../runner/docker/images.ts'

const HEAD = 'Head "https://acme.test/v2/app/manifests/1"'
const LOGIN =
  'Where it is there, its registry wants a login, and images of jobs are pulled without one: pull it at the runner’s engine beforehand, or name one that is open.'

/** What an image's pull is refused with, at an engine that has no image and answers a pull like this. */
async function refusal(status: number, message: string): Promise<unknown> {
  const engine = createServer((request, response) => {
    response.writeHead(request.method === 'POST' ? status : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ message: request.method === 'POST' ? message : 'No such image' }))
  })
  await once(engine.listen(0, '127.0.0.1'), 'listening')
  try {
    const { port } = engine.address() as AddressInfo
    const images = new Images(new Docker({ host: '127.0.0.1', port, protocol: 'http' }))
    const options = { signal: new AbortController().signal, say: async () => {} }
    return await images.ensure('acme.test/app:1', options)
  } catch (error) {
    return error
  } finally {
    engine.close()
  }
}

test.each([
  [
    404,
    'manifest for acme.test/app:1 not found: manifest unknown',
    'manifest for acme.test/app:1 not found: manifest unknown',
  ],
  [500, `${HEAD}: no basic auth credentials`, `${HEAD}: no basic auth credentials. ${LOGIN}`],
  [500, `${HEAD}: denied: requested access`, `${HEAD}: denied: requested access. ${LOGIN}`],
  [500, 'lookup acme.test: no such host', 'lookup acme.test: no such host'],
])('a pull that the engine refuses with %i is told in its own words: %s', async (status, words, told) => {
  expect(await refusal(status, words)).toMatchObject({
    code: 'image_pull_failed',
    message: `The image acme.test/app:1 could not be pulled: ${told}`,
  })
})
