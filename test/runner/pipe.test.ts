import { spawn, spawnSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makePipe, PIPE } from '../../runner/docker/pipe.ts'
import { opening } from '../../runner/shell.ts'
import { until } from '../support/until.ts'

async function volume() {
  const folder = await mkdtemp(join(tmpdir(), 'takt-pipe-'))
  const path = join(folder, PIPE)
  const say = (script: string) => {
    const child = spawn('/bin/sh', ['-c', script.replaceAll('PIPE', path)])
    return new Promise<number | null>((resolve) => child.on('close', resolve))
  }
  return { folder, path, say, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

const GREETED = '\x1eabc:0:0\x1e'

/** Hears everything, as fast as it comes. */
function listening() {
  const heard = { bytes: 0, text: '' }
  const take = (bytes: Uint8Array) => {
    heard.bytes += bytes.length
    if (heard.bytes < 1_000) heard.text += Buffer.from(bytes).toString()
    return true
  }
  return { heard, take }
}

test('what several say one after the other comes in order, and the pipe is out of the volume by then', async () => {
  await using at = await volume()
  const pipe = (await makePipe(at.folder))!
  const { heard, take } = listening()
  pipe.into(take)
  await at.say('echo one > PIPE')
  await until(() => heard.text === 'one\n')
  await until(async () => (await readdir(at.folder)).length === 0)
  await pipe.finish()
})

test('whoever has enough is waited for, however long, and the last byte still comes', async () => {
  await using at = await volume()
  const pipe = (await makePipe(at.folder))!
  let bytes = 0
  pipe.into((read) => {
    bytes += read.length
    return false
  })
  expect(await at.say('head -c 65536 /dev/zero > PIPE')).toBe(0)
  await until(() => bytes > 0)
  const over = pipe.finish()
  const first = await Promise.race([
    over.then(() => 'over'),
    until(() => false, { withinMs: 2_500 }).catch(() => 'held'),
  ])
  expect(first).toBe('held')
  const reading = setInterval(() => pipe.resume(), 1)
  await over
  clearInterval(reading)
  expect(bytes).toBe(65_536)
})

test('half a megabyte may wait in it, where the machine can widen it', async () => {
  await using at = await volume()
  const pipe = (await makePipe(at.folder))!
  const writer = openSync(at.path, constants.O_WRONLY | constants.O_NONBLOCK)
  const width = spawnSync('perl', ['-e', '1']).status === 0 ? 512 * 1024 : 64 * 1024
  let bytes = 0
  await until(() => (bytes += fill(writer)) === width)
  expect(fill(writer)).toBe(0)
  closeSync(writer)
  await pipe.drop()
})

/** Write until there is no room. */
function fill(writer: number): number {
  for (let bytes = 0; ; bytes += 4_096)
    try {
      writeSync(writer, Buffer.alloc(4_096))
    } catch {
      return bytes
    }
}

test('something that lives on and says nothing does not hold its end open for ever', async () => {
  await using at = await volume()
  const pipe = (await makePipe(at.folder))!
  const { heard, take } = listening()
  pipe.into(take)
  const orphan = spawn('/bin/sh', ['-c', `exec > ${at.path}; echo up; exec sleep 60`])
  await until(() => heard.text === 'up\n')
  await pipe.finish()
  orphan.kill('SIGKILL')
})

test('a shell that is opened with it speaks through it, and one that may not speaks as before', async () => {
  await using at = await volume()
  const pipe = (await makePipe(at.folder))!
  const { heard, take } = listening()
  pipe.into(take)
  for (const path of [at.path, join(at.folder, 'nowhere'), at.folder]) {
    const shell = spawn('/bin/sh', ['-s'])
    let plain = ''
    shell.stdout.on('data', (bytes: Buffer) => (plain += bytes.toString()))
    shell.stdin.end(`${opening(path, 'abc')}echo said >&8; echo on\n`)
    await new Promise((resolve) => shell.on('close', resolve))
    if (path !== at.path) expect(plain).toBe(`${GREETED}said\non\n`)
    else await until(() => heard.text === `${GREETED}said\non\n`)
  }
  await pipe.finish()
})

test('where the volume is not on this machine, or the name is taken, there is none, and nothing is touched', async () => {
  await using at = await volume()
  const secret = join(at.folder, 'secret')
  await writeFile(secret, 'kept')
  await symlink(secret, at.path)
  expect(await makePipe(at.folder)).toBeNull()
  expect(await readFile(secret, 'utf8')).toBe('kept')
  expect(await makePipe(null)).toBeNull()
  expect(await makePipe('/nowhere/volume')).toBeNull()
})

test('one that is dropped leaves nothing behind', async () => {
  await using at = await volume()
  const pipe = (await makePipe(at.folder))!
  expect(existsSync(at.path)).toBe(true)
  await pipe.drop()
  expect(existsSync(at.path)).toBe(false)
})
