import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { describe, expect, test } from 'vitest'
import { hijack } from '../../runner/docker/hijack.ts'

const FRAME = Buffer.from('\x01\0\0\0\0\0\0\x05hello', 'latin1')
const UPGRADED = Buffer.from('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
const REFUSED =
  'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{"message":"not that one"}'

/** An engine that answers every connection's first word as `answer` does. */
async function engine(answer: (client: Socket, asked: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'takt-engine-'))
  const socketPath = join(folder, 'engine.sock')
  const server = createServer((client) => {
    client.on('error', () => {})
    client.once('data', (asked) => answer(client, asked.toString()))
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return {
    docker: new Docker({ socketPath }),
    async [Symbol.asyncDispose]() {
      server.close()
      await rm(folder, { recursive: true })
    },
  }
}

const attachTo = (docker: Docker) =>
  hijack(docker, { path: '/containers/c/attach?stream=1' }, () =>
    docker.getContainer('c').attach({ stream: true, stdin: true, stdout: true, hijack: true }),
  )

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of output) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces).toString()
}

describe('a connection that is taken over from the engine', () => {
  test.each([
    ['together with its answer', [Buffer.concat([UPGRADED, FRAME])]],
    ['byte by byte', [...UPGRADED, ...FRAME].map((byte) => Buffer.from([byte]))],
  ])('brings what the container says, also %s', async (_, pieces) => {
    await using at = await engine((client) => {
      client.setNoDelay(true)
      for (const piece of pieces) client.write(piece)
      client.end()
    })
    const { output } = await attachTo(at.docker)
    expect(await textOf(output)).toBe('hello')
  })

  test('takes what the container is told', async () => {
    const told = Promise.withResolvers<string>()
    await using at = await engine((client) => {
      client.write(UPGRADED)
      client.once('data', (bytes) => told.resolve(bytes.toString()))
    })
    const { input } = await attachTo(at.docker)
    input.write('go\n')
    expect(await told.promise).toBe('go\n')
    input.destroy()
  })

  test('is refused as the engine’s client refuses it, by its status', async () => {
    await using at = await engine((client) => client.end(REFUSED))
    await expect(attachTo(at.docker)).rejects.toThrow('404')
  })

  test('that no engine answers is a refusal as well', async () => {
    const docker = new Docker({ socketPath: '/nowhere/engine.sock' })
    await expect(attachTo(docker)).rejects.toThrow('ENOENT')
  })
})
