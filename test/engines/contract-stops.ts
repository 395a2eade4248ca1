import { expect, test } from 'vitest'
import type { Engine } from '../../runner/engine.ts'
import { Stop } from '../../runner/stop.ts'
import { planOf } from '../runner/plans.ts'
import { begin, collect, open } from './contract.ts'

type Ground = { readonly engine: () => Engine; readonly image: string | null }

/** The rules of a stop: who hears of it, and who is left alone. */
export function describeStops({ engine, image }: Ground): void {
  /** What the commands said until they ended, stopped as soon as they say `up`. */
  const stopped = async (commands: string[]): Promise<string> => {
    const stop = new AbortController()
    await using workspace = await open(engine(), planOf([], { image }))
    const heard: string[] = []
    const hear = (text: string) => {
      heard.push(text)
      if (text.includes('up')) stop.abort(new Stop('cancelled', 'enough'))
    }
    await expect(collect(begin(workspace, commands, stop.signal), hear)).rejects.toThrow('enough')
    return heard.join('')
  }

  test('a stop that comes as a command begins waits for no grace', async () => {
    const text = await stopped([`trap 'echo unwound' EXIT; echo up; sleep 300`])
    expect(text).toContain('unwound')
  })

  test('what is begun in order to tidy up is let be, in the step’s own shell and in a command', async () => {
    const inside = `sh -c 'trap "sleep 1 && echo inside; exit" TERM; echo up; while :; do sleep 0.05; done'`
    const text = await stopped([`trap 'sleep 1 && echo around' EXIT; ${inside}; true`])
    expect(text).toContain('inside')
    expect(text).toContain('around')
  })
}
