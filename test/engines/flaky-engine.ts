import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'

/** The machine's own engine behind a door of ours, which can be shut, and behind which questions can get lost. */
export type FlakyEngine = AsyncDisposable & {
  readonly docker: Docker
  /** The value of `DOCKER_HOST`. */
  readonly host: string
  /** The first lines of everything that was asked: `DELETE /volumes/x HTTP/1.1`. */
  readonly asked: string[]
  /** Cut everybody off, and let nobody in until the door is opened again. */
  shut(): void
  open(): void
  /** Cut off those who have asked this; others stay. */
  cut(asked: RegExp): void
  /** Do this as soon as that is asked; it reaches the engine afterwards. */
  on(asked: RegExp, act: () => unknown): void
  /** Forget all that `on` and `refuse` were told. */
  forget(): void
  /** Answer this with an error, until it is taken back. */
  refuse(asked: RegExp, status?: number): Disposable
}

type Line = { readonly client: Socket; readonly engine: Socket; asked: string }
/** The client writes into the first line what it also sends as the body. */
const MOST_BYTES = 60_000
const ASKED = /^(?:GET|HEAD|POST|PUT|DELETE) \S+ HTTP\/1\.1/

export async function flakyEngine(socket = '/var/run/docker.sock'): Promise<FlakyEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'takt-flaky-'))
  const path = join(folder, 'engine.sock')
  const lines = new Set<Line>()
  const refused = new Map<RegExp, number>()
  const acts: { readonly rule: RegExp; readonly act: () => unknown }[] = []
  const asked: string[] = []
  let shut = false
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (shut) return void client.destroy()
    const line: Line = { client, engine: connect({ path: socket, allowHalfOpen: true }), asked: '' }
    lines.add(line)
    const end = () => {
      lines.delete(line)
      line.client.destroy()
      line.engine.destroy()
    }
    for (const side of [line.client, line.engine]) side.on('error', end).on('close', end)
    client.on('data', (bytes: Buffer) => {
      const [first] = ASKED.exec(bytes.subarray(0, MOST_BYTES).toString('latin1')) ?? []
      if (first) asked.push((line.asked = first))
      const status = first && [...refused].find(([rule]) => rule.test(first))?.[1]
      if (status) return void client.end(answer(status))
      const due = first === undefined ? [] : acts.filter(({ rule }) => rule.test(first))
      if (due.length === 0) return void line.engine.write(bytes)
      void Promise.all(due.map(({ act }) => act())).then(() => line.engine.write(bytes))
    })
    line.engine.on('data', (bytes) => void client.write(bytes))
    line.engine.on('end', () => void client.end())
    client.on('end', () => void line.engine.end())
  })
  server.listen(path)
  await once(server, 'listening')
  const cut = (rule: RegExp) => {
    for (const { client, asked } of lines) if (rule.test(asked)) client.destroy()
  }
  return {
    docker: new Docker({ socketPath: path }),
    host: `unix://${path}`,
    asked,
    cut,
    shut: () => {
      shut = true
      cut(/^/)
    },
    open: () => void (shut = false),
    on: (rule, act) => void acts.push({ rule, act }),
    forget: () => {
      acts.length = 0
      refused.clear()
    },
    refuse: (rule, status = 500) => {
      refused.set(rule, status)
      return { [Symbol.dispose]: () => void refused.delete(rule) }
    },
    [Symbol.asyncDispose]: async () => {
      cut(/^/)
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function answer(status: number): string {
  const body = JSON.stringify({ message: 'not today' })
  return [
    `HTTP/1.1 ${status} No`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}
