import type { InferResponseType } from 'hono/client'
import { body, v1 } from './api.ts'
import type { ReadLine } from './log-book.ts'

const search = v1.runs[':id'].log.search
export type LogFound = InferResponseType<typeof search.$get, 200>

/** Lines of one step, counted from 0 within it. */
export type LogRange = {
  readonly attempt: number
  readonly step: number
  readonly from: number
  readonly limit: number
}
/** What somebody looks for in a log. */
export type LogSought = { readonly words: string; readonly isPattern: boolean; readonly isExact: boolean }

export const logApi = {
  /** Fewer lines than asked for come back where they are long; none behind the last one. */
  lines: async (run: number, { attempt, step, from, limit }: LogRange): Promise<readonly ReadLine[]> => {
    const numbers = { attempt, step, from, limit }
    const query = new URLSearchParams(Object.entries(numbers).map(([name, value]) => [name, String(value)]))
    // its route answers text, too, and is not typed for that
    const asked: Promise<LogReply> = fetch(`/api/v1/runs/${run}/log?as=json&${query}`)
    return (await body(asked)).lines
  },
  search: (run: number, sought: LogSought & { readonly attempt: number }, signal: AbortSignal) =>
    body(
      search.$get(
        {
          param: { id: String(run) },
          query: {
            q: sought.words,
            regex: `${sought.isPattern}`,
            exact: `${sought.isExact}`,
            attempt: String(sought.attempt),
          },
        },
        { init: { signal } },
      ),
    ),
}

type LogReply = Omit<Response, 'json'> & { json(): Promise<{ readonly lines: readonly ReadLine[] }> }
