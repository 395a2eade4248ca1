import { fillForm } from '#pipelines/language/form-values.ts'
import type { Gate } from '../../ui/lib/api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

type Line = NonNullable<ReturnType<FakeWorld['line']>>

/** A run that waits at a gate. */
export function gatedRun(world: FakeWorld, line: Line, job: string, given: Partial<Gate> = {}): Gate {
  const run = world.addRun(line, job)
  const gate: Gate = {
    ...{ id: world.gates.length + 1, run: run.id, number: run.number, project: run.project },
    ...{
      pipeline: run.pipeline,
      job,
      lane: run.lane,
      after_step: null,
      name: 'approve',
      kind: 'approve',
      state: 'waiting',
    },
    ...{ words: 'waits for an approval by release', message: 'Ship it to everybody?', by: ['release'] },
    ...{ count: 1, author: true, values: null, decisions: [], refusal: null, warning: null, act: null },
    on_expire: 'reject',
    form: [
      {
        ...{ name: 'rollout', label: 'Share of the hosts', kind: 'choice', choices: ['5', '25', '100'] },
        ...{ default: null, required: true },
      },
      {
        ...{ name: 'hosts', label: null, kind: 'number', min: 1, max: 9, step: null },
        ...{ default: '2', required: true },
      },
    ],
    inputs: run.inputs,
    passed_before: {
      ...{ run: 1, number: 1, at: new Date(Date.now() - 3_600_000).toISOString() },
      inputs: run.inputs.map((input) => ({ ...input, version: '0'.repeat(40) })),
    },
    ...{ opened_at: new Date().toISOString(), closed_at: null },
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    ...given,
  }
  world.gates.push(gate)
  run.held = gate.words
  world.move(run, 'waiting')
  const { project, pipeline } = run
  world.announce({ kind: 'gate.opened', project, pipeline, run: run.id, gate: gate.id })
  return gate
}

/** What waits for decisions, and deciding. */
export const GATES: readonly Route[] = [
  [
    'GET',
    /^\/gates$/,
    ({ world, url }) => {
      const [run, state] = [url.searchParams.get('run'), url.searchParams.get('state')]
      const items = world.gates.filter(
        (gate) => (run === null || gate.run === Number(run)) && (state === null || gate.state === state),
      )
      return ok({ items, next: null })
    },
  ],
  [
    'GET',
    /^\/gates\/(\d+)\/commits$/,
    ({ world }, id) => {
      const gate = world.gates.find((one) => one.id === Number(id))
      if (!gate) return no(404, 'gate-not-found', 'There is no such gate')
      const items = gate.inputs.map(({ resource, version: to }) => ({
        ...{ resource, from: '0'.repeat(40), to, known: true, compare: null, more: 3 },
        commits: [
          { sha: 'c'.repeat(40), title: '<b>Charge</b> the card once', author: 'Ada' },
          { sha: 'd'.repeat(40), title: 'Reserve first', author: 'Bo' },
        ],
      }))
      return ok({ items, next: null })
    },
  ],
  [
    'POST',
    /^\/gates\/(\d+)\/callback$/,
    (_, id) => ok({ url: `http://takt.example/hooks/callbacks/${id}/once` }),
  ],
  ['POST', /^\/gates\/(\d+)\/(approve|reject)$/, (asked, id, verdict) => decide(asked, Number(id), verdict)],
]

function decide({ world, body }: Asked, id: number, verdict: string | undefined): Reply {
  const gate = world.gates.find((one) => one.id === id)
  const run = gate && world.runs.get(gate.run)
  if (!gate || !run) return no(404, 'gate-not-found', 'There is no such gate')
  const filled = fillForm(gate.form, { ...Object(body['values']) })
  if (verdict === 'approve' && 'problems' in filled)
    return no(422, 'bad-input', 'What the job asks for is not filled in rightly', 'see its fields', filled)
  gate.values = verdict === 'approve' && 'values' in filled ? { ...filled.values } : null
  gate.decisions = [
    {
      ...{ by: 'ada', verdict: verdict === 'approve' ? 'approve' : 'reject' },
      ...{
        comment: typeof body['comment'] === 'string' ? body['comment'] : null,
        at: new Date().toISOString(),
      },
    },
  ]
  gate.state = verdict === 'approve' ? 'approved' : 'rejected'
  gate.closed_at = new Date().toISOString()
  const { project, pipeline } = run
  world.announce({ kind: 'gate.decided', project, pipeline, run: run.id, gate: id, state: gate.state })
  if (verdict === 'reject') run.error = { code: 'rejected', message: 'rejected by ada' }
  world.move(run, verdict === 'approve' ? 'queued' : 'failed')
  return ok(gate)
}
