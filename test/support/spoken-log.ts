import type { RunId } from '#pipelines/ids.ts'
import { appendLog } from '../../server/logs/append.ts'
import { plainPiece } from '../../server/logs/piece.ts'
import { steeredLine } from './steer.ts'

/** A run whose steps said these pieces, each of them a chunk. */
export async function spokenLog(...pieces: readonly (readonly string[])[]) {
  const line = await steeredLine('jobs: { test: { run: x } }')
  const { db } = line.house
  await line.push()
  const run: RunId = (await line.claim())!.id
  await db.deleteFrom('steps').where('run_id', '=', run).execute()
  const say = (step: number, words: string) =>
    db
      .transaction()
      .execute((tx) => appendLog(tx, { run, attempt: 1, step }, [plainPiece(Buffer.from(words))]))
  for (const [step, words] of pieces.entries()) {
    await db
      .insertInto('steps')
      .values({ run_id: run, attempt: 1, step, name: `step ${step}`, state: 'running' })
      .execute()
    for (const piece of words) await say(step, piece)
  }
  return { run, house: line.house, db, say, [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() }
}
