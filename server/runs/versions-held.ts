import { sql } from 'kysely'

/** `{resource: {id, seq, name}}` of the versions that an ending vouches for; `ending` is a column of the query around it. */
export const heldByEnding = (ending: ReturnType<typeof sql.ref>) => sql`(
  select coalesce(json_object_agg(resources.name, json_build_object(
    'id', versions.id, 'seq', versions.seq, 'name', versions.name)), '{}')
  from ending_versions held
  join versions on versions.id = held.version_id
  join resources on resources.id = held.resource_id
  where held.ending_id = ${ending})`

/** The same for a run, whatever its state: its inputs, and what it put in their place. */
export const heldByRun = (run: ReturnType<typeof sql.ref>) => sql`(
  select coalesce(json_object_agg(resources.name, json_build_object(
    'id', versions.id, 'seq', versions.seq, 'name', versions.name)), '{}')
  from (
    select distinct on (resource_id) resource_id, version_id from (
      select resource_id, version_id, false as put from run_inputs where run_id = ${run}
      union all
      select resource_id, version_id, true from run_outputs where run_id = ${run}
    ) both_ways order by resource_id, put desc
  ) held
  join versions on versions.id = held.version_id
  join resources on resources.id = held.resource_id)`

/**
 * Whether an ending holds a version that no job takes any more. It is asked of each ending by itself: joined, all versions that
 * were ever left behind would be read.
 */
export const holdsRefused = (ending: ReturnType<typeof sql.ref>) => sql`coalesce((
  select bool_or(versions.disabled_at is not null or versions.left_at is not null)
  from ending_versions held join versions on versions.id = held.version_id
  where held.ending_id = ${ending}), false)`
