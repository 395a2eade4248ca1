import { type Outgoing, OutgoingError } from '../http/outgoing.ts'
import { retryAfterMs } from '../http/retry-after.ts'
import { forProgram, forSlack, signed, type Told } from './compose.ts'
import { type Mail, sendMail } from './mail.ts'

/** How one attempt ended. `isFinal`: another one would end the same. */
export type Outcome =
  | { readonly ended: 'sent'; readonly status: number | null; readonly words: string }
  | {
      readonly ended: 'failed'
      readonly isFinal: boolean
      readonly status: number | null
      readonly words: string
      /** How long the other side asks to be left alone. */
      readonly patienceMs: number | null
    }

export type Ways = { readonly outside: Outgoing; readonly mail: Mail | null }
export type Letter = {
  readonly channel: 'slack' | 'email' | 'webhook'
  readonly destination: string
  /** The name of the secret that it is opened or signed with; null where none is asked for. */
  readonly login: string | null
  /** Its value; null where there is none of that name. */
  readonly secret: string | null
  readonly told: Told
}

/** The secret that holds a Slack address where the file names none. */
export const SLACK_SECRET = 'SLACK_WEBHOOK'
export const isAddress = (to: string) => /^https?:\/\//.test(to)

/** The name of the secret that a message needs; null where it needs none. */
export const secretNameOf = ({ channel, destination, login }: Omit<Letter, 'secret' | 'told'>) =>
  login ?? (channel === 'slack' && !isAddress(destination) ? SLACK_SECRET : null)

const TIMEOUT_MS = 15_000

export async function deliver(letter: Letter, { outside, mail }: Ways): Promise<Outcome> {
  const { channel, destination, secret, told } = letter
  const needed = secretNameOf(letter)
  if (needed !== null && secret === null)
    return lost(
      `there is no secret \`${needed}\` that is for every run: takt secrets set <project> ${needed}`,
    )
  switch (channel) {
    case 'slack': {
      const url = isAddress(destination) ? destination : (secret ?? '')
      const body = JSON.stringify(forSlack(told, isAddress(destination) ? '' : destination))
      return post(outside, { url, body, headers: {} })
    }
    case 'webhook': {
      const body = forProgram(told)
      const signing = secret === null ? null : { key: secret, seconds: Math.floor(Date.now() / 1_000) }
      return post(outside, { url: destination, body, headers: signed(told.id, body, signing) })
    }
    case 'email':
      return mail === null
        ? lost('the server sends no mail: who runs it sets TAKT_SMTP_URL and TAKT_MAIL_FROM')
        : sendMail(mail, { to: destination, told })
  }
}

const lost = (words: string): Outcome => ({
  ...{ ended: 'failed', isFinal: true, status: null, words, patienceMs: null },
})

type Posted = { readonly url: string; readonly body: string; readonly headers: Record<string, string> }

/** Whatever is answered with 2xx has arrived; with other answers it may be tried again where a later one can be another. */
async function post(outside: Outgoing, { url, body, headers }: Posted): Promise<Outcome> {
  try {
    const answer = await outside.fetch(url, {
      ...{ method: 'POST', body, timeoutMs: TIMEOUT_MS, mostBytes: 64 * 1024 },
      headers: { 'content-type': 'application/json', ...headers },
    })
    const said = (await answer.text().catch(() => '')).slice(0, 300) // what it says is only for people
    const { status } = answer
    if (answer.ok) return { ended: 'sent', status, words: `answered with ${status}` }
    const isFinal = status >= 300 && status < 500 && ![408, 425, 429].includes(status)
    const words = `answered with ${status}${said.trim() === '' ? '' : `: ${said.trim()}`}`
    return {
      ended: 'failed',
      isFinal,
      status,
      words,
      patienceMs: retryAfterMs(answer.headers.get('retry-after')),
    }
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    const isFinal = error.code === 'bad_address' || error.code === 'address_refused'
    return { ended: 'failed', isFinal, status: null, words: error.message, patienceMs: null }
  }
}
