import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type CallServer, Refusal } from '../../runner/call-server.ts'
import { putFolder } from '../../runner/resources/folder.ts'
import { planOf } from '../runner/plans.ts'
import { placeOf } from './place.ts'

const VERSION = 'f'.repeat(64)
const PUT = { kind: 'files' as const, resource: 'bundle', paths: ['dist/'] }

/** A server that takes archives, and says what it was sent. */
function store() {
  const sent: { path: string; bytes: number }[] = []
  const call: CallServer = async (_, { path, body }) => {
    const request = new Request('http://store.example/', {
      method: 'PUT',
      body: (await body!()) as ReadableStream,
      duplex: 'half',
    } as RequestInit)
    sent.push({ path, bytes: (await request.arrayBuffer()).byteLength })
    return Response.json({ version: VERSION })
  }
  return { sent, call }
}

test('a put of files sends what its paths name, and its version is what the store calls it', async () => {
  const { sent, call } = store()
  await using at = await placeOf()
  await at.put('work/dist/a.txt', 'a')
  await symlink('/etc/passwd', join(at.root, 'work/dist/out'))
  expect(await putFolder(call, PUT, at.at)).toBe(VERSION)
  expect(sent).toMatchObject([{ path: 'folders/bundle' }])
  expect(sent[0]?.bytes).toBeGreaterThan(50)
  expect(at.heard()).toMatch(/^Left out: .*dist\/out/)
})

test('a put of nothing fails', async () => {
  await using at = await placeOf()
  await expect(putFolder(store().call, PUT, at.at)).rejects.toThrow(/Nothing .* matches dist/)
})

test('a put without paths takes what the job keeps', async () => {
  await using at = await placeOf(planOf([], { keep: ['out/'] }))
  await at.put('work/out/a.txt', 'a')
  expect(await putFolder(store().call, { ...PUT, paths: [] }, at.at)).toBe(VERSION)
})

test('a put that the store refuses ends in its words', async () => {
  await using at = await placeOf()
  await at.put('work/dist/a.txt', 'a')
  const call: CallServer = async () => {
    throw new Refusal('too-large', 'it is too large')
  }
  await expect(putFolder(call, PUT, at.at)).rejects.toMatchObject({
    code: 'files_refused',
    message: 'Files of `bundle` could not be moved: it is too large.',
  })
})
