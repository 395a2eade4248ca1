import { Hono } from 'hono'
import { z } from 'zod'
import { REPORT_KINDS } from '#pipelines/reports/read-report.ts'
import { MOST_REPORT_BYTES } from '#pipelines/reports/unreadable.ts'
import { pathProblem } from '#pipelines/wire/archive.ts'
import type { Db } from '../db/connect.ts'
import { checked } from '../http/kit.ts'
import { leaseHolder } from '../runs/lease-holder.ts'
import { takeReport } from './take-report.ts'

const At = z.object({ run: z.string(), kind: z.enum(REPORT_KINDS) })
const Path = z
  .string()
  .min(1)
  .max(500)
  .refine((path) => pathProblem(path) === null, {
    error: 'is a path from the working directory, without `..`',
  })

/** `/runner/runs/{run}/reports/{kind}?path=`: a report's bytes as they are, sent by the holder of the run's lease. */
export const runnerReportRoutes = (db: Db) =>
  new Hono().post('/runs/:run/reports/:kind', async (c) => {
    const { run, kind } = checked(At, c.req.param())
    const path = checked(Path, c.req.query('path'))
    const holding = { run, authorization: c.req.header('authorization') }
    await leaseHolder(db, holding) // before a stranger's bytes are read
    const bytes = await readAtMost(c.req.raw.body, MOST_REPORT_BYTES + 1)
    return c.json({ refusal: await takeReport(db, holding, { kind, path, bytes }) }, 200)
  })

/** Of more bytes than that only the first ones; the reader of the report says that it is too long. */
async function readAtMost(body: ReadableStream<Uint8Array> | null, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body ?? []) {
    pieces.push(piece)
    size += piece.length
    if (size >= most) break
  }
  return Buffer.concat(pieces)
}
