import type { z } from 'zod'
import type { ProjectId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { LinkRow } from './chain.ts'
import { type Runs, type Spot, standsAt } from './reached.ts'
import type { Trace } from './shapes.ts'

type Told = z.output<typeof Trace>['environments']
type Asked = {
  readonly project: ProjectId
  readonly versions: readonly VersionId[]
  readonly spots: readonly Spot[]
  readonly runs: Runs
}

/**
 * The environments that a version got to or is on its way to, in the order of their names.
 *
 * It is here where the last run that changed the environment holds it; else on its way while a run with it is under way; else
 * what became of the newest run with it decides: it failed, or it was here until something else came.
 */
export async function environmentsOf(db: Db, asked: Asked): Promise<Told> {
  const visits = visitsOf(asked)
  const names = [...visits.keys()].toSorted()
  const stands = await standsAt(db, { ...asked, names })
  return names.flatMap((name) => {
    const standing = stands.find((each) => each.name === name)
    const held = standing?.holds ? standing.run : null
    const told = verdict(visits.get(name) ?? [], held)
    return told ? [{ name, ...told }] : []
  })
}

type Visit = { readonly spot: Spot; readonly run: LinkRow; readonly was: 'open' | 'green' | 'ended' }

/** The newest runs with the version, by the environment that each went to. */
function visitsOf({ spots, runs }: Asked): Map<string, Visit[]> {
  const visits = spots.flatMap((spot) =>
    (['open', 'green', 'ended'] as const).flatMap((was) => {
      const id = spot[was]
      const run = id === null ? undefined : runs.get(id)
      // What was passed through changed nothing.
      if (!run?.environment || run.state === 'skipped') return []
      return [{ spot, run, was, name: run.environment }]
    }),
  )
  return Map.groupBy(visits, ({ name }) => name)
}

function verdict(visits: readonly Visit[], held: RunId | null) {
  const newest = (was: Visit['was']) =>
    visits.filter((visit) => visit.was === was).toSorted((a, b) => b.run.id - a.run.id)[0]
  const [open, green, ended] = [newest('open'), newest('green'), newest('ended')]
  if (held !== null && green) return told(green, 'here')
  if (open) return told(open, 'on its way')
  if (ended && ended.run.id > (green?.run.id ?? 0)) return told(ended, 'failed')
  return green ? told(green, 'was here') : null
}

const told = ({ spot, run }: Visit, state: Told[number]['state']) => ({
  pipeline: spot.line.pipeline,
  lane: spot.line.lane,
  job: spot.name,
  run: run.id,
  since: (run.ended_at ?? run.created_at).toISOString(),
  state,
})
