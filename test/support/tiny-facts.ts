import { goesWith, joinOrder, type Known, narrowed } from '#pipelines/plan/closure.ts'
import type { InputEdge, JobEdges } from '#pipelines/plan/edges.ts'
import type {
  Active,
  EndingFact,
  Facts,
  InputFact,
  NeedFact,
  Trigger,
  VersionFact,
} from '#pipelines/plan/facts.ts'
import {
  howOf,
  isOpen,
  laneOfInput,
  type Place,
  plain,
  type TinyTrigger,
  type TinyWorld,
} from './tiny-world.ts'

/** What a server would read from its tables for one look: only endings that the open triggers' facts can stand in a set with. */
export function factsOf(world: TinyWorld, on: Place, wanted: readonly VersionFact[] = []): Facts {
  const edges = world.edges.jobs.get(on.job)!
  const triggers = world.triggers.filter(
    (each) => isOpen(each) && each.on.job === on.job && each.on.lane === on.lane,
  )
  const inputs = edges.inputs.map((edge) => inputFact(world, edge, on.lane))
  const endings = endingsAround(world, { edges, on, triggers, inputs })
  const needs = edges.needs.map((need): NeedFact => ({
    ...need,
    endings: [...(endings.get(need.job) ?? [])],
    newest: newestOf(world, need.job, on.lane),
    paused: world.paused.get(need.job) ?? null,
  }))
  const { name, start, when, if: condition, paths } = edges.job
  return {
    job: { name, start, when, if: condition, paths },
    project: 'shop',
    pipeline: 'main',
    lane: world.lanes.find((lane) => lane.name === on.lane)!,
    paused: world.paused.get(on.job) ?? null,
    inputs: inputs.map((input) => ({
      ...input,
      chosen: wanted.find((version) => isOf(world, version, input.resource)) ?? null,
    })),
    needs,
    active: activeOf(world, edges, on.lane),
    producers: edges.producers.map(({ job, resource }) => ({
      job,
      resource,
      newest: newestOf(world, job, on.lane),
      paused: world.paused.get(job) ?? null,
    })),
    taken: takenOf(world, edges, on),
    used: usedBy(world, edges, on),
    details: Object.fromEntries(world.versions.map(({ id, fields, changed }) => [id, { fields, changed }])),
    triggers: triggers.map(({ on: _on, fate, reason: _reason, run: _run, ...trigger }) => ({
      ...trigger,
      gathered: fate === 'gathered',
      refused: isRefused(world, trigger) ? 'disabled by Ann' : null,
    })),
  }
}

const isRefused = (world: TinyWorld, trigger: Trigger) =>
  trigger.kind === 'ending'
    ? holdsDisabled(world, trigger.ending)
    : trigger.kind === 'version' && world.versions.find(({ id }) => id === trigger.version.id)!.isOut

const isOf = (world: TinyWorld, { id }: VersionFact, resource: string) =>
  world.versions.some((each) => each.id === id && each.resource === resource)

function inputFact(world: TinyWorld, edge: InputEdge, lane: string): InputFact {
  const at = laneOfInput(edge, lane)
  const here = world.versions.filter((each) => each.resource === edge.resource && each.lane === at)
  const usable = here.filter(({ isOut }) => !isOut).toSorted((a, b) => b.seq - a.seq)
  const named = usable.find(({ name }) => name === edge.pin)
  const byFile =
    edge.pin === null ? null : { version: named ? plain(named) : null, words: 'pinned by the file' }
  const byPerson = world.pins.get(`${edge.resource}@${at}`)
  const isOut = here.some((each) => each.isOut && each.id === byPerson?.version?.id)
  const { resource, kind, get, via, from } = edge
  return {
    resource,
    ...(kind ? { kind } : {}),
    get,
    via,
    from,
    pin: byPerson && isOut ? { ...byPerson, version: null } : (byPerson ?? byFile),
    newest: usable[0] ? plain(usable[0]) : null,
  }
}

type Around = {
  readonly edges: JobEdges
  readonly on: Place
  readonly triggers: readonly TinyTrigger[]
  readonly inputs: readonly InputFact[]
}

const MOST = 100

/** For each open trigger the endings within its reach, need by need. */
function endingsAround(world: TinyWorld, { edges, on, triggers, inputs }: Around) {
  const found = new Map<string, Set<EndingFact>>(edges.needs.map((need) => [need.job, new Set()]))
  const lookUp = (name: string) => {
    const { on: asked } = edges.needs.find((need) => need.job === name)!
    return world.endings
      .filter(({ job, lane }) => job === name && lane === on.lane)
      .filter(({ how }) => asked.includes('finish') || asked.some((each) => each === how))
      .filter((ending) => !holdsDisabled(world, ending))
      .toSorted((a, b) => b.id - a.id)
  }
  const modes = new Set<string>()
  for (const trigger of triggers.length > 0 ? triggers : [null]) {
    const start = trigger ? startOf(edges, trigger) : 'settled'
    const alone = !trigger || trigger.kind !== 'ending' || start === 'strict' || start === 'immediate'
    if (alone && modes.has(start)) continue
    if (alone) modes.add(start)
    let known: Known = new Map()
    let left = edges.needs
    if (!alone && trigger.kind === 'ending') {
      const need = edges.needs.find((each) => each.job === trigger.job)!
      const given = lookUp(trigger.job).filter(({ id }) => id === trigger.ending.id)
      for (const ending of given) found.get(trigger.job)!.add(ending)
      if (need.versions === 'same') {
        known = narrowed(known, need.carries, given)
        left = left.filter((each) => each !== need)
      }
    }
    for (const input of inputs)
      if (input.pin?.version && start !== 'immediate')
        known = new Map(known).set(input.resource, new Set([input.pin.version.id]))
    for (const { need: name, shared } of joinOrder(left, [...known.keys()])) {
      const need = left.find((each) => each.job === name)!
      const all = lookUp(name)
      const endings = (
        start === 'immediate' ? all : all.filter((each) => goesWith(each, known, shared))
      ).slice(0, MOST)
      if (need.versions === 'same') known = narrowed(known, need.carries, endings)
      for (const ending of endings) found.get(name)!.add(ending)
    }
  }
  return new Map([...found].map(([job, set]) => [job, [...set].toSorted((a, b) => b.id - a.id)]))
}

function startOf({ job, inputs, needs }: JobEdges, trigger: TinyTrigger) {
  if (trigger.kind === 'version')
    return inputs.find(({ resource }) => resource === trigger.resource)!.get!.start
  if (trigger.kind === 'ending') return needs.find((need) => need.job === trigger.job)!.start
  return job.start
}

const holdsDisabled = ({ versions }: TinyWorld, ending: EndingFact) =>
  Object.values(ending.versions).some(({ id }) => versions.find((version) => version.id === id)!.isOut)

function newestOf(world: TinyWorld, job: string, lane: string): NeedFact['newest'] {
  const run = world.runs.filter((each) => each.job === job && each.lane === lane).at(-1)
  if (!run) return null
  const ending = world.endings.findLast((each) => each.run === run.id)
  return {
    run: run.id,
    state: run.state,
    how: howOf(run.state),
    versions: ending?.versions ?? run.inputs,
  }
}

function activeOf(world: TinyWorld, { upstream }: JobEdges, lane: string): Active[] {
  const runs = world.runs.filter((run) => run.lane === lane && upstream.includes(run.job))
  const open = world.triggers.filter(
    (trigger) => isOpen(trigger) && trigger.on.lane === lane && upstream.includes(trigger.on.job),
  )
  return [
    ...runs.flatMap(({ job, id, state }) =>
      state === 'queued' || state === 'running' ? [{ job, run: id, state }] : [],
    ),
    ...open.map(({ on }): Active => ({ job: on.job, run: null, state: 'triggered' })),
  ]
}

function takenOf(world: TinyWorld, { needs }: JobEdges, on: Place): Facts['taken'] {
  const run = world.runs.findLast((each) => each.job === on.job && each.lane === on.lane && each.advances)
  if (!run) return null
  const loose = needs.filter((need) => need.versions === 'any').map((need) => need.job)
  return {
    run: run.id,
    seqs: Object.fromEntries(Object.entries(run.inputs).map(([resource, { seq }]) => [resource, seq])),
    runs: Object.fromEntries(Object.entries(run.loose).filter(([job]) => loose.includes(job))),
  }
}

const usedBy = (world: TinyWorld, { inputs }: JobEdges, on: Place): Facts['used'] => {
  const every = new Set(inputs.filter(({ get }) => get?.every).map(({ resource }) => resource))
  const runs = world.runs.filter((run) => run.job === on.job && run.lane === on.lane)
  return [
    ...new Set(
      runs.flatMap((run) =>
        Object.entries(run.inputs).flatMap(([resource, { id }]) => (every.has(resource) ? [id] : [])),
      ),
    ),
  ]
}
