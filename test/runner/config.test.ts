import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../runner/config.ts'

const good = { TAKT_SERVER: 'https://takt.example/base', TAKT_RUNNER_TOKEN: 'secret-secret-secret' }

describe('the runner’s settings', () => {
  test('two of them are enough', () => {
    const config = readConfig(good)
    expect(config).toMatchObject({ address: 'wss://takt.example/base/runner', labels: {}, engine: undefined })
    expect(config.slots.least).toBeGreaterThan(0)
    expect(config).toMatchObject({ slots: { most: config.slots.least }, idleMs: 300_000 })
  })

  test('everything that is wrong is named at once, and no value is printed', () => {
    const wrong = {
      TAKT_SERVER: 'ftp://elsewhere',
      TAKT_RUNNER_TOKEN: 'short',
      TAKT_SLOTS: 'many',
      TAKT_LABELS: 'gpu=a=b',
      TAKT_ENGINE: 'vm',
    }
    const read = () => readConfig(wrong)
    expect(read).toThrow(ConfigError)
    for (const name of Object.keys(wrong)) expect(read).toThrow(name)
    for (const value of ['elsewhere', 'short', 'many', 'a=b', 'vm']) expect(read).not.toThrow(value)
  })

  test('labels are names, with a value or without', () => {
    expect(readConfig({ ...good, TAKT_LABELS: 'gpu, zone=eu ,' }).labels).toEqual({
      gpu: '',
      zone: 'eu',
    })
  })

  test.each([
    ['4', { least: 4, most: 4 }],
    ['2-8', { least: 2, most: 8 }],
    ['8-8', { least: 8, most: 8 }],
  ])('%s slots', (written, slots) => {
    expect(readConfig({ ...good, TAKT_SLOTS: written }).slots).toEqual(slots)
  })

  test.each(['0', '8-2', '2-', '1001', '-4', '2-4-8', '1.5'])('%s slots are none', (written) => {
    expect(() => readConfig({ ...good, TAKT_SLOTS: written })).toThrow(/TAKT_SLOTS must be a number from 1/)
  })

  test('an empty setting is none', () => {
    expect(readConfig({ ...good, TAKT_ENGINE: '', TAKT_SLOTS: '' }).engine).toBeUndefined()
  })

  test('a name is made safe', () => {
    expect(readConfig({ ...good, TAKT_RUNNER_NAME: 'büro 1/a' }).name).toBe('b-ro-1-a')
  })

  test('runners of one name with different folders are told apart', () => {
    const [a, b] = ['/a', '/b'].map(
      (TAKT_DATA) => readConfig({ ...good, TAKT_DATA, TAKT_RUNNER_NAME: 'same' }).identity,
    )
    expect(a).not.toBe(b)
  })
})
