import { describe, expect, test } from 'vitest'
import { scriptedEngine } from '../../runner/scripted.ts'
import { Stop } from '../../runner/stop.ts'
import { planOf } from '../runner/plans.ts'
import { begin, collect, open, runOnce } from './contract.ts'

const engine = scriptedEngine()

describe('the scripted engine', () => {
  test('acts out its commands, the same way every time', async () => {
    const ran = await runOnce(
      engine,
      planOf(['say hello there', 'sleep 1', 'npm test', 'fail 4', 'say never']),
    )
    expect(ran.text).toBe('hello there\nnpm test\n')
    expect(ran.status).toMatchObject({ exitCode: 4, error: null })
    expect(ran.events.at(-1)).toEqual({ kind: 'command.ended', command: 3, exitCode: 4 })
  })

  test('makes as many bytes as it is told', async () => {
    expect((await runOnce(engine, planOf(['bytes 200001']))).bytes.length).toBe(200_001)
  })

  test('breaks as an engine does', async () => {
    await expect(runOnce(engine, planOf(['break']))).rejects.toMatchObject({ code: 'engine_unavailable' })
  })

  test('hangs until it is stopped', async () => {
    const stop = new AbortController()
    await using workspace = await open(engine, planOf(['say up', 'hang']))
    const step = collect(begin(workspace, ['say up', 'hang'], stop.signal), () =>
      stop.abort(new Stop('cancelled', 'enough')),
    )
    await expect(step).rejects.toThrow('enough')
  })
})
