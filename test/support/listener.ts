import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

export type Heard = {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}
/** What it answers, and with which headers. */
export type Answering = {
  status: number
  headers?: Record<string, string>
  body?: string
  /** It hears, and never answers. */
  isSilent?: boolean
}

/** Something out there that is told things over HTTP, remembers them, and answers as the test says. */
export async function listener(answering: Answering = { status: 200 }) {
  const heard: Heard[] = []
  const answer = { ...answering }
  const http = createServer(async (request, response) => {
    heard.push({ path: request.url ?? '', headers: request.headers, text: await text(request) })
    if (!answer.isSilent) response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? 'ok')
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    heard,
    answer,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

export type MailHeard = { readonly from: string; readonly to: readonly string[]; readonly text: string }

/** A mail server that takes what it is given, and remembers it; names that begin with `no` it does not know. */
export async function mailServer() {
  const heard: MailHeard[] = []
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'] },
    onRcptTo(address, _session, done) {
      const refusal = Object.assign(new Error('no such mailbox'), { responseCode: 550 })
      done(address.address.startsWith('no') ? refusal : undefined)
    },
    onData(stream, session, done) {
      text(stream).then((said) => {
        const { mailFrom, rcptTo } = session.envelope
        heard.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: said,
        })
        done()
      }, done)
    },
  })
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    heard,
    url: `smtp://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(resolve)
      await promise
    },
  }
}
