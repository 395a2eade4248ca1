import { sql } from 'kysely'
import type { GateId, RunId } from '#pipelines/ids.ts'
import { callbacksOf } from '#pipelines/language/check/scope.ts'
import type { Values } from '#pipelines/language/expression/interpolate.ts'
import type { Job } from '#pipelines/language/pipeline.ts'
import type { GateAct } from '#pipelines/plan/acts.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'

type At = { readonly run: RunId; readonly gate: GateId; readonly key: string }

/**
 * Write down what is to be done at a gate that was just opened; who looks for it does it.
 *
 * An event counts from now on, or from the call right before: what was called may tell of its end before the wait for that begins.
 */
export async function beginAct(db: Trx, { run, gate, key }: At, act: GateAct): Promise<void> {
  await sql`
    insert into acts (gate_id, spec, key, due_at, after)
    select id, ${toJson(act)}::jsonb, ${key}, clock_timestamp(), coalesce(
      (select acts.after from acts join gates before on before.id = acts.gate_id
       where before.run_id = ${run} and before.step = gates.step - 1
         and gates.kind = 'wait' and before.kind in ('call', 'trigger')),
      (select max(id) from versions), 0)
    from gates where id = ${gate}`.execute(db)
}

/**
 * One-time addresses open something: they are put in when a call is made, and until then marks stand for them that nobody else can
 * have written.
 */
export const withCallbacks = (values: Values, job: Job, key: string): Values =>
  new Map([
    ...values,
    ...callbacksOf(job).map((name) => [`callback-url.${name}`, markOf(key, name)] as const),
  ])

export const markOf = (key: string, callback: string): string => `takt-callback:${key}:${callback}:`
