import { type Context, Hono } from 'hono'
import type { CallbackId } from '#pipelines/ids.ts'
import type { Book } from '../audit/book.ts'
import { audited, type Facts, onRecord } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { atMost } from '../http/guard.ts'
import type { HouseEnv } from '../http/kit.ts'
import { takeCallback, theCallback } from './callbacks.ts'

/** What is sent along becomes values of a run, and no files. */
const MOST_BYTES = 64 * 1024

type Deps = { readonly db: Db; readonly book: Book; readonly secretKeys: () => readonly string[] }

/** `/hooks/callbacks`: whoever was given a one-time address says that something is done, and how. */
export const callbackHookRoutes = ({ db, book, secretKeys }: Deps) =>
  new Hono<HouseEnv>().post('/callbacks/:id{[0-9]{1,15}}/:token', atMost(MOST_BYTES), async (c) => {
    const { id, token } = c.req.param()
    const callback = Number(id) as CallbackId
    const address = c.get('address') ?? ''
    const body = await bodyOf(c)
    await onRecord(book, factsOf(id, address), async () => {
      const found = await theCallback(db, { id: callback, token }, secretKeys())
      audited({ project: found.project, target: `callbacks/${id} (${found.name} of run ${found.run})` })
      await takeCallback(db, found, { id: callback, token, address, body })
    })
    return c.json({ taken: true }, 202)
  })

const factsOf = (id: string, address: string): Facts => ({
  ...{ actor_id: null, actor: 'nobody', actor_kind: 'nobody', via: 'none', token: null, project: null },
  ...{ address: address || null, action: 'callback.take', organization_id: null, target: `callbacks/${id}` },
})

/** JSON where it is JSON, else the text that it is. */
async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text()
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return { text } // a sender who speaks no JSON may still say something
  }
}
