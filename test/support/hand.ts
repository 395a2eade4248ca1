import { WebSocket } from 'ws'
import { encodeLog } from '#pipelines/wire/log-frames.ts'
import { DIALECT, type ReportEntry, type ServerSays } from '#pipelines/wire/runner.ts'
import type { RunId } from '#pipelines/ids.ts'
import { hostedProject } from './repository.ts'
import type { House } from './server.ts'
import { until } from './until.ts'

/** A runner's end of the link, in the hands of the test. */
export type Hand = AsyncDisposable & {
  readonly heard: ServerSays[]
  /** Binary frames: what people typed in terminals. */
  readonly frames: Uint8Array[]
  readonly closed: Promise<number>
  /** Where it says that it has room, how many runs it has taken is added unless it says so itself. */
  say(message: object): void
  report(seq: number, entry: ReportEntry): void
  log(seq: number, text: string): void
  send(frame: Uint8Array): void
}

export const HELLO = {
  say: 'hello',
  dialect: DIALECT,
  name: 'hand',
  version: '0',
  engine: { kind: 'scripted', isolated: false, words: 'a test' },
  slots: 1,
  checks: 0,
  labels: {},
  carrying: [] as { run: number; lease: string }[],
}

export async function hand(
  house: House,
  hello: object = HELLO,
  lease = { run: 1 as RunId, token: '' },
): Promise<Hand> {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/runner`, {
    headers: { authorization: `Bearer ${house.runnerToken}` },
  })
  const heard: ServerSays[] = []
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  const frames: Uint8Array[] = []
  socket.on('message', (words: Buffer, binary) =>
    binary ? frames.push(words) : heard.push(JSON.parse(words.toString())),
  )
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const taken = () => heard.filter((said) => said.say === 'work').length
  const say = (message: object) =>
    socket.send(
      JSON.stringify('say' in message && message.say === 'ready' ? { taken: taken(), ...message } : message),
    )
  say(hello)
  await until(() => heard.length > 0)
  const token = () => lease.token || work(heard)?.lease || ''
  return {
    heard,
    frames,
    closed,
    say,
    send: (frame) => socket.send(frame),
    report: (seq, entry) => say({ say: 'report', run: lease.run, lease: token(), seq, entry }),
    log: (seq, text) =>
      socket.send(encodeLog({ run: lease.run, lease: token(), seq, step: 1 }, Buffer.from(text))),
    async [Symbol.asyncDispose]() {
      socket.terminate()
      await closed
    },
  }
}

export const work = (heard: readonly ServerSays[]) => heard.find((said) => said.say === 'work')
export const heardUpTo = (heard: readonly ServerSays[]) =>
  heard.flatMap((said) => (said.say === 'heard' ? [said.seq] : [])).at(-1)

/** A house with one queued run, and a runner that has taken it. */
export async function withWork(house: House) {
  await using clone = await hostedProject(house, 'shop')
  await clone.push({ '.takt.yml': 'jobs: { test: { run: [say one, say two] } }' })
  const runner = await hand(house)
  runner.say({ say: 'ready', slots: 1 })
  const given = await until(() => work(runner.heard))
  return { runner, lease: given.lease, plan: given.plan }
}
