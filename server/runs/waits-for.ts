import { type RawBuilder, sql } from 'kysely'
import { maintenanceWords } from '../catalog/maintenance.ts'
import { pipelinePausedWords } from '../catalog/pauses.ts'

/**
 * What a run at a gate or in the queue waits for, in words; null: for a runner that has room, and for nothing where it is neither.
 *
 * @param runs  The name of the run's row in the query around it.
 */
export function waitsFor(runs: string): RawBuilder<string | null> {
  const of = (column: string) => sql.ref(`${runs}.${column}`)
  return sql<string | null>`case ${of('state')} when 'waiting' then (
    select words from gates where gates.run_id = ${of('id')} and gates.state = 'waiting'
  ) when 'queued' then coalesce(
    ${maintenanceWords},
    ${pipelinePausedWords(`${runs}.job_id`)},
    ${of('held')},
    case when ${of('not_before')} is not null
      then 'pauses before attempt ' || ${of('attempt')} || ' of ' || ${of('attempts_most')} || ': ' || ${of('again')} end,
    ${nobodyTakes(of('runs_on'))}
  ) end`
}

/** Whether anybody at all could take a run that asks for these labels. That no runner is connected at all is said of the server, not of each run. */
const nobodyTakes = (labels: RawBuilder<unknown>) => sql`(
  select case
    when count(*) filter (where offers @> ${labels}) = 0 and ${labels} <> '{}'
      then 'no runner has \`' || array_to_string(${labels}, '\` and \`') || '\`'
    when count(*) > 0 and count(*) filter (where offers @> ${labels} and mode = 'active' and trouble is null) = 0
      then 'every runner that could take it is paused, draining or in trouble'
  end
  from runners where connection is not null and present_until > now())`
