import type { Job } from '#pipelines/language/pipeline.ts'
import { callbacksOf } from '#pipelines/language/check/scope.ts'
import { variableOf } from '#pipelines/language/expression/interpolate.ts'
import type { RunId } from '#pipelines/ids.ts'
import { callbackSecret } from '../access/derive.ts'
import type { Db, Trx } from '../db/connect.ts'

type Opening = { readonly publicUrl: string; readonly key: string }

/** Where a run is called back, once: the address is the same whenever it is asked for. */
export async function callbackUrl(
  db: Db | Trx,
  { run, name }: { readonly run: RunId; readonly name: string },
  { publicUrl, key }: Opening,
): Promise<string> {
  await db
    .insertInto('callbacks')
    .values({ run_id: run, name })
    .onConflict((oc) => oc.doNothing())
    .execute()
  const { id } = await db
    .selectFrom('callbacks')
    .select('id')
    .where('run_id', '=', run)
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  return `${publicUrl}/hooks/callbacks/${id}/${callbackSecret(key, id)}`
}

type At = { readonly id: RunId; readonly position: number }

/** The addresses of the callbacks that a run has still to wait for, by the variable in which its commands find them. */
export async function callbackUrls(
  db: Trx,
  { id, position }: At,
  { job, ...opening }: Opening & { readonly job: Job },
): Promise<Readonly<Record<string, string>>> {
  const names = new Set(callbacksOf({ ...job, steps: job.steps.slice(position) }))
  const found: [string, string][] = []
  for (const name of names)
    found.push([variableOf(`callback-url.${name}`), await callbackUrl(db, { run: id, name }, opening)])
  return Object.fromEntries(found)
}
