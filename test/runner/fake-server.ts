import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { DIALECT, RunnerSays } from '#pipelines/wire/runner.ts'
import type { ReportEntry, ServerSays } from '#pipelines/wire/runner.ts'
import { saidLog } from '../support/said-log.ts'

export const TOKEN = 'a-token-for-tests-only'

/** One entry of a report as the server has it; `log` stands for a binary frame. */
export type Heard = { seq: number; entry: ReportEntry | { kind: 'log'; step: number; bytes: Buffer } }

/** A server that speaks the runner's protocol and remembers what it heard: no database, no decisions. */
export class FakeServer implements AsyncDisposable {
  readonly said: RunnerSays[] = []
  readonly reports = new Map<RunId, Heard[]>()
  /** Numbers that came a second time, as they do after a redial. */
  repeated = 0
  /** While true, reports are taken in but not confirmed. */
  silent = false
  /** While true, what comes is not even taken in: as if lost on its way. */
  deaf = false
  /** Said instead of a welcome. */
  refusal: string | null = null
  leaseMs = 30_000
  connections = 0
  refusedTokens = 0
  readonly #http = createServer()
  readonly #wss = new WebSocketServer({ noServer: true })
  #socket: WebSocket | null = null

  static async listen(): Promise<FakeServer> {
    const server = new FakeServer()
    await server.open(0)
    return server
  }

  async open(port: number): Promise<void> {
    this.#http.removeAllListeners('upgrade').on('upgrade', (request, socket, head) => {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) {
        this.refusedTokens++
        socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      } else this.#wss.handleUpgrade(request, socket, head, (peer) => this.#greet(peer))
    })
    await new Promise<void>((resolve) => this.#http.listen(port, '127.0.0.1', resolve))
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  get address(): string {
    return `ws://127.0.0.1:${this.port}/runner`
  }

  /** Cut the connection without a word, as a network does. */
  cut(): void {
    this.#socket?.terminate()
  }

  say(message: ServerSays): void {
    this.#socket?.send(JSON.stringify(message))
  }

  /** Give out a plan under a new lease. */
  give(plan: Plan, lease: string = randomUUID()): string {
    this.reports.set(plan.run, [])
    this.say({ say: 'work', lease, plan })
    return lease
  }

  entries(run: RunId): Heard['entry'][] {
    return (this.reports.get(run) ?? []).map(({ entry }) => entry)
  }

  log(run: RunId, step = 1): Buffer {
    return Buffer.concat(
      this.entries(run).flatMap((entry) =>
        entry.kind === 'log' && entry.step === step ? [entry.bytes] : [],
      ),
    )
  }

  end(run: RunId): Extract<ReportEntry, { kind: 'run.ended' }> | undefined {
    const last = this.entries(run).at(-1)
    return last?.kind === 'run.ended' ? last : undefined
  }

  #greet(socket: WebSocket): void {
    this.#socket = socket
    this.connections++
    socket.on('message', (bytes: Buffer, binary) => this.#hear(bytes, binary))
    if (this.refusal) this.say({ say: 'refused', reason: this.refusal })
    if (this.refusal) socket.close()
  }

  #hear(bytes: Buffer, binary: boolean): void {
    if (this.deaf) return
    if (binary) {
      const { head, bytes: log } = saidLog(bytes)
      return this.#record(head.run, {
        seq: head.seq,
        entry: { kind: 'log', step: head.step, bytes: log },
      })
    }
    const says = RunnerSays.parse(JSON.parse(String(bytes)))
    this.said.push(says)
    if (says.say === 'hello' && says.dialect === DIALECT) this.say({ say: 'welcome', leaseMs: this.leaseMs })
    if (says.say === 'report') this.#record(says.run, { seq: says.seq, entry: says.entry })
  }

  #record(run: RunId, heard: Heard): void {
    const report = this.reports.get(run) ?? []
    this.reports.set(run, report)
    if (heard.seq <= report.length) this.repeated++
    else if (heard.seq !== report.length + 1)
      throw new Error(`Run ${run}: ${heard.seq} came after ${report.length}`)
    else report.push(heard)
    if (!this.silent) this.say({ say: 'heard', run, seq: report.length })
  }

  /** Stop listening and cut everything; `open` with the same port brings it back. */
  async close(): Promise<void> {
    this.cut()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
