import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { LOG_CHUNK_BYTES, ReportEntry } from '#pipelines/wire/runner.ts'
import { Work } from '../../runner/work.ts'
import { planOf } from './plans.ts'
import { saidLog } from '../support/said-log.ts'

const LEASE = 'the lease of this run'

/** A run with a secret, and everything it says: log bytes as text, entries as they are. */
function workWith(secret: string) {
  const said: { seq: number; log?: string; step?: number; entry?: object }[] = []
  const work = new Work(planOf(['x'], { secrets: { TOKEN: secret } }), LEASE, (frame) => {
    if (typeof frame === 'string') {
      const { seq, entry } = JSON.parse(frame)
      said.push({ seq, entry })
    } else {
      const { head, bytes } = saidLog(frame)
      expect(bytes.length).toBeLessThanOrEqual(LOG_CHUNK_BYTES)
      said.push({ seq: head.seq, step: head.step, log: bytes.toString() })
    }
  })
  const log = (step: number, text: string) => work.log(step, Buffer.from(text))
  const logOf = (step: number) => said.map((each) => (each.step === step ? each.log : '')).join('')
  return { work, said, log, logOf }
}

describe('what a run says', () => {
  test('holds no secret in a log, also not across its pieces', () => {
    const { log, logOf } = workWith('hunter22')
    for (const part of ['password=hun', 'ter', '22\n', 'bye']) log(1, part)
    expect(logOf(1)).toBe('password=***\nbye')
  })

  test('is another stream in every step', () => {
    const { log, logOf, work } = workWith('hunter22')
    log(1, 'a hunt')
    log(2, 'er22 b hunt')
    log(1, 'er22')
    log(2, 'er')
    work.report({ kind: 'step.ended', step: 2, state: 'succeeded', exitCode: 0, allowed: false })
    expect([logOf(1), logOf(2)]).toEqual(['a ***', 'er22 b hunter'])
  })

  test('is numbered without gaps, and what was held back comes before the boundary', () => {
    const { log, said, work } = workWith('hunter22')
    log(1, 'is it hunter')
    work.report({ kind: 'command.ended', step: 1, command: 0, exitCode: 0 })
    log(1, '22')
    work.report({ kind: 'run.ended', move: 'succeed', error: null, exitCode: null })
    expect(said.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(said.map(({ log: text, entry }) => text ?? entry)).toMatchObject([
      'is it ',
      'hunter',
      { kind: 'command.ended' },
      '22',
      { kind: 'run.ended' },
    ])
  })

  test('is wholly said when the run ends, also of steps that nobody has ended', () => {
    const { log, logOf, work } = workWith('hunter22')
    log(4, 'the hunt')
    work.report({ kind: 'run.ended', move: 'cancel', error: null, exitCode: null })
    expect(logOf(4)).toBe('the hunt')
  })

  test('holds no secret in a sentence, a value or the reason of its end', () => {
    const { said, work } = workWith('hunter22')
    work.report({ kind: 'step.skipped', step: 1, reason: 'hunter22 was no word' })
    work.report({ kind: 'outputs', values: { url: 'https://ci:hunter22@shop.example' } })
    const error = { code: 'x', message: `fetch with ${LEASE} and hunter22` }
    work.report({ kind: 'run.ended', move: 'break', error, exitCode: null })
    expect(JSON.stringify(said)).not.toMatch(/hunter22|the lease/)
    expect(said[1]?.entry).toMatchObject({ values: { url: 'https://ci:***@shop.example' } })
  })

  test('is refused here where it fits no frame, and leaves no gap in the numbers', () => {
    const { said, work } = workWith('hunter22')
    const values = Object.fromEntries(Array.from({ length: 14 }, (_, at) => [`v${at}`, '€'.repeat(33_333)]))
    expect(() => work.report({ kind: 'outputs', values })).toThrow('more than fit a frame')
    work.report({ kind: 'step.started', step: 1 })
    expect(said).toMatchObject([{ seq: 1, entry: { kind: 'step.started' } }])
  })

  test('is no longer than the server takes it, also where stars are longer than what they hide', () => {
    const { said, work } = workWith('😀')
    work.report({ kind: 'step.skipped', step: 1, reason: '😀a'.repeat(333) })
    work.report({ kind: 'outputs', values: { faces: 'a😀'.repeat(33_333) } })
    const error = { code: 'x', message: '😀a'.repeat(1_333) }
    work.report({ kind: 'run.ended', move: 'break', error, exitCode: null })
    expect(said.map(({ entry }) => ReportEntry.safeParse(entry).success)).toEqual([true, true, true])
  })

  test('fits its frames, also where what was held back comes on top', () => {
    const { log, logOf } = workWith('x'.repeat(500) + 'y')
    const big = 'é'.repeat(LOG_CHUNK_BYTES / 2)
    log(1, 'x'.repeat(400))
    log(1, big)
    expect(logOf(1)).toBe('x'.repeat(400) + big)
  })
})

describe('a long log', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`).join('')

  test('travels packed, with the counts of what it becomes, and no secret', () => {
    const frames: Uint8Array[] = []
    const work = new Work(planOf(['x'], { secrets: { TOKEN: 'hunter22' } }), LEASE, (frame) => {
      if (typeof frame !== 'string') frames.push(frame)
    })
    const said = `${lines(500)}the password is hunter22\n${lines(500)}~`
    work.log(1, Buffer.from(said))
    const [frame] = frames
    expect(frames).toHaveLength(1)
    const { head, bytes } = saidLog(frame!)
    expect(bytes.toString()).toBe(said.replace('hunter22', '***'))
    expect(head.packed).toEqual({ bytes: bytes.length, lines: 1_001, open: true })
    expect(frame!.length).toBeLessThan(said.length / 3)
  })

  test('that packing does not make shorter, and a short one, travel as they are', () => {
    const heads: unknown[] = []
    const work = new Work(planOf(['x']), LEASE, (frame) => {
      if (typeof frame !== 'string') heads.push(saidLog(frame).head.packed)
    })
    work.log(1, Buffer.from('short\n'))
    work.log(1, randomBytes(100_000))
    expect(heads).toEqual([undefined, undefined])
  })

  test('leaves no memory behind once it is heard, unless it is still on its way', () => {
    const frames: Uint8Array[] = []
    const lefts: (() => void)[] = []
    const work = new Work(planOf(['x']), LEASE, (frame, left) => {
      if (typeof frame !== 'string') frames.push(frame)
      lefts.push(left)
    })
    for (let piece = 0; piece < 3; piece++) work.log(1, Buffer.from(lines(500)))
    work.sayAgain()
    for (const [index, left] of lefts.entries()) if (index !== 5) left()
    work.heard(3)
    expect(frames.slice(0, 3).map(({ length }) => length > 0)).toEqual([false, false, true])
  })
})
