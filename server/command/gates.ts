import type { z } from 'zod'
import type { Gate, GateList } from '../gates/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, painted, short, table } from './print.ts'
import type { Pairs } from './run-actions.ts'

type Json = { readonly json?: true }
type AnyGate = z.output<typeof Gate>

/** Gates, newest first; those that wait for decisions unless another state is asked for. */
export async function gates({
  json,
  state = 'waiting',
  project,
}: Json & { readonly state?: string; readonly project?: string }): Promise<number> {
  const config = readConfig()
  const query = { project, ...(state === 'all' ? {} : { state }) }
  const list = await call<z.output<typeof GateList>>(config, '/api/v1/gates', { query })
  if (json) outJson(list)
  else if (list.items.length === 0) note(state === 'waiting' ? 'nothing waits at a gate' : 'no such gates')
  else
    out(
      painted(
        table(['GATE', 'RUN', 'JOB', 'LANE', 'STATE', 'UNTIL', 'VERSIONS', 'WAITS'], list.items.map(row)),
        config,
      ),
    )
  return 0
}

const row = ({ id, run, project, pipeline, job, ...gate }: AnyGate): string[] => [
  ...[String(id), String(run), `${project}/${pipeline}/${job}`, gate.lane, gate.state],
  gate.expires_at === null ? '-' : localTime(gate.expires_at),
  gate.inputs.map(({ resource, version }) => `${resource} ${short(version)}`).join(', ') || '-',
  `${gate.message ?? gate.words}${gate.warning === null ? '' : ` (${gate.warning})`}`,
]

type Said = Json & { readonly comment?: string }

/** Say yes at a gate, with what its form asks for. */
export async function approve(
  id: number,
  { json, value, comment }: Said & { readonly value?: Pairs },
): Promise<number> {
  const body = {
    ...(value === undefined ? {} : { values: Object.fromEntries(value) }),
    ...(comment === undefined ? {} : { comment }),
  }
  return told(await decide(id, 'approve', body), json)
}

/** Say no at a gate: its run fails. */
export const reject = async (id: number, { json, comment }: Said): Promise<number> =>
  told(await decide(id, 'reject', comment === undefined ? {} : { comment }), json)

const decide = (id: number, verdict: 'approve' | 'reject', body: object) =>
  call<AnyGate>(readConfig(), `/api/v1/gates/${id}/${verdict}`, { method: 'POST', body })

function told(gate: AnyGate, json: true | undefined): number {
  const yes = gate.decisions.filter(({ verdict }) => verdict === 'approve').length
  if (json) outJson(gate)
  else if (gate.state === 'waiting') note(`gate ${gate.id} has ${yes} of ${gate.count} approvals`)
  else note(`gate ${gate.id} is ${gate.state}; look at run ${gate.run}: takt runs show ${gate.run}`)
  return 0
}
