import { readdir, readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { laneRefusal } from '#pipelines/plan/lanes.ts'
import { after, isFinal, RUN_MOVES, RUN_STATES } from '#pipelines/states.ts'
import { redialMs } from '#pipelines/wire/redial.ts'
import { decodeLog, encodeLog } from '#pipelines/wire/log-frames.ts'
import type { RunId } from '#pipelines/ids.ts'

test('every move leads to a state of the table, and final states have none', () => {
  for (const state of RUN_STATES)
    for (const to of Object.values(RUN_MOVES[state])) expect(RUN_STATES).toContain(to)
  expect(RUN_STATES.filter(isFinal)).toEqual(['succeeded', 'failed', 'errored', 'cancelled', 'skipped'])
  expect(after('succeeded', 'cancel')).toBeNull()
  expect(after('queued', 'fail')).toBeNull()
  expect(after('waiting', 'start')).toBeNull()
  expect(after('waiting', 'resume')).toBe('queued')
  expect(after('running', 'lose')).toBe('queued')
})

test.each([
  { ref: 'refs/heads/main', push: ['main'], tag: [], refused: false },
  { ref: 'refs/heads/release/1', push: ['main', 'release/*'], tag: [], refused: false },
  { ref: 'refs/heads/release/1/hot', push: ['release/*'], tag: [], refused: true },
  { ref: 'refs/heads/a/b/c', push: ['**'], tag: [], refused: false },
  { ref: 'refs/heads/.hidden', push: ['**'], tag: [], refused: false },
  { ref: 'refs/heads/dev', push: ['main'], tag: ['**'], refused: true },
  { ref: 'refs/tags/v1', push: ['**'], tag: [], refused: true },
  { ref: 'refs/tags/v1', push: [], tag: ['v*'], refused: false },
])('$ref against push $push, tag $tag: refused $refused', ({ ref, push, tag, refused }) => {
  expect(laneRefusal(ref, { push, tag }) !== null).toBe(refused)
})

test('a refusal names the branch and what the pipeline listens to', () => {
  expect(laneRefusal('refs/heads/dev', { push: ['main', 'r/*'], tag: [] })).toBe(
    '`triggers.push` does not match `dev`: the pipeline listens to main, r/*',
  )
})

test('a log frame is read as it was written, whatever its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: 1, max: 2 ** 31 }), (bytes, seq) => {
      const head = { run: 3 as RunId, lease: 'x'.repeat(20), seq, step: 1 }
      expect(decodeLog(encodeLog(head, bytes))).toEqual({ head, bytes })
    }),
  )
})

test('bytes that are no log frame are refused, never thrown at', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(decodeLog(bytes)).toBeNull()
    }),
  )
})

test('redialling waits longer each time, within bounds', () => {
  expect(redialMs(0, 0)).toBe(50)
  expect(redialMs(0, 1)).toBe(100)
  expect(redialMs(50, 1)).toBe(5_000)
})

test('every example parses without a word', async () => {
  const folder = new URL('../../pipelines/examples/', import.meta.url)
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.yml'))
  expect(files.length).toBeGreaterThan(2)
  for (const file of files)
    expect({ file, says: parsePipeline(await readFile(new URL(file, folder), 'utf8')).diagnostics }).toEqual({
      file,
      says: [],
    })
})
