import type { z } from 'zod'
import type { Facts } from '#pipelines/plan/facts.ts'
import type { Explanation } from '../scheduler/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { RED } from './ending.ts'
import { out, outJson, plain, section, short } from './print.ts'

type Explained = Omit<z.output<typeof Explanation>, 'facts'> & { readonly facts: Facts | null }
type Decided = Explained['decided']

/** Why a run came to be, and whether the planner would decide the same again; the exit code is 1 when it would not. */
export async function explain(id: number, { json }: { readonly json?: true }): Promise<number> {
  const answer = await call<Explained>(readConfig(), `/api/v1/runs/${id}/explain`)
  if (json) outJson(answer)
  else out(described(answer))
  return answer.same ? 0 : RED
}

const HOW = {
  planned: 'the planner decided it',
  'by hand': 'a person asked for it, and the planner chose its inputs',
  again: 'a person asked for the inputs of the run before',
  unrecorded: 'what was known when it was decided was not kept',
}

const described = (answer: Explained) =>
  [
    `run ${answer.run}: ${HOW[answer.how]}`,
    ...decidedLines(answer.decided),
    ...section('what was known', gistOf(answer.facts)),
    ...section('the same facts decide now', verdict(answer)),
  ].join('\n')

function verdict({ same, replay, how }: Explained): string[] {
  if (same) return [how === 'again' ? 'the inputs are those of the run before' : 'the same']
  if (how === 'unrecorded') return ['nobody can tell']
  if (replay.length === 0) return ['something else: no run']
  return ['something else:', ...replay.flatMap(decidedLines)]
}

const decidedLines = ({ inputs, upstreams, start, reason, skip }: Decided) => [
  `  ${'reason'.padEnd(8)}  ${plain(reason)}`,
  `  ${'start'.padEnd(8)}  ${start}`,
  ...(skip === null ? [] : [`  ${'passed'.padEnd(8)}  ${plain(skip)}`]),
  ...inputs.map(
    ({ resource, version, from_runs }) =>
      `  ${'takes'.padEnd(8)}  ${plain(resource)} ${plain(short(version))}${vouched(from_runs)}`,
  ),
  ...upstreams.map(({ job, run }) => `  ${'needs'.padEnd(8)}  ${plain(job)}, run ${run}`),
]
const vouched = (runs: readonly number[]) => (runs.length === 0 ? '' : ` (run ${runs.join(', ')})`)

/** What people ask about first; `--json` has all of it. */
function gistOf(facts: Facts | null): string[] {
  if (facts === null) return []
  const inputs = facts.inputs.map(({ resource, newest, pin }) => {
    const words = newest === null ? 'no version yet' : `newest ${short(newest.name)}`
    return `${resource}: ${words}${pin === null ? '' : `, ${pin.words}`}`
  })
  const needs = facts.needs.map(({ job, newest, endings }) => {
    const last = newest === null ? 'never ran' : `newest run ${newest.run} ${newest.state}`
    return `${job}: ${last}, ${endings.length === 1 ? 'one ending' : `${endings.length} endings`} to choose from`
  })
  const before = facts.taken === null ? [] : [`taken before: run ${facts.taken.run}`]
  return [...inputs, ...needs, ...before].map(plain)
}
