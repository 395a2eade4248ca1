import type { VersionFact } from '#pipelines/plan/facts.ts'
import type { AgreedSet, OnJob, Taken } from './oracle-world.ts'
import type { TinyEnding, TinyTrigger } from './tiny-world.ts'

/** Every agreed set there is, by trying all combinations. */
export function allSets(
  job: OnJob,
  taken: Taken,
  version: { resource: string; version: VersionFact } | null,
): AgreedSet[] {
  let combinations: Record<string, TinyEnding>[] = [{}]
  for (const need of job.needs)
    combinations = combinations.flatMap((chosen) =>
      need.endings.map((ending) => ({ ...chosen, [need.job]: ending })),
    )
  return combinations.flatMap((chosen) => setOf(job, chosen, { taken, version }) ?? [])
}

export type Given = { taken: Taken; version: { resource: string; version: VersionFact } | null }

export function setOf(
  job: OnJob,
  chosen: Record<string, TinyEnding>,
  { taken, version }: Given,
): AgreedSet | null {
  const loose: Record<string, TinyEnding> = {}
  const joined: Record<string, TinyEnding> = {}
  for (const need of job.needs) {
    const ending = chosen[need.job]!
    if (need.versions === 'same') joined[need.job] = ending
    else if (isNewestLoose(job, need, ending)) loose[need.job] = ending
    else return null
  }
  const versions: Record<string, VersionFact> = {}
  const seqs: number[] = []
  for (const input of job.inputs) {
    if (input.pin && input.pin.id === null) return null
    const held = input.by
      .map((name) => chosen[name]!.versions[input.resource])
      .filter((each) => each !== undefined)
    if (held.some((each) => each.id !== held[0]!.id)) return null
    if (held[0] && input.pin && held[0].id !== input.pin.id) return null
    const asked = version?.resource === input.resource ? version.version : null
    const pinned = input.all.find(({ id }) => id === input.pin?.id) ?? null
    const taking = held[0] ?? asked ?? pinned ?? input.newest
    if (taking) versions[input.resource] = taking
    else if (mustBeThere(job, input)) return null
    const counts = taking && (held[0] || input.by.length === 0)
    seqs.push(input.pin ? 0 : counts ? taking.seq : (taken?.seqs[input.resource] ?? 0))
  }
  return { versions, loose, joined, seqs }
}

export const mustBeThere = (job: OnJob, input: OnJob['inputs'][number]) =>
  input.get !== null ||
  !job.needs.some((need) => input.by.includes(need.job) && need.on.some((each) => each !== 'success'))

/** No other ending of that job that could stand there is newer by its versions, or as new and of a later run. */
export function isNewestLoose(job: OnJob, need: OnJob['needs'][number], ending: TinyEnding): boolean {
  const stands = (each: TinyEnding) =>
    job.inputs.every((input) => {
      const held = each.versions[input.resource]
      return input.from !== need.job || !input.pin || !held || held.id === input.pin.id
    })
  const order = (each: TinyEnding) => [
    ...job.inputs.map((input) => each.versions[input.resource]?.seq ?? 0),
    each.run,
    each.id,
  ]
  return (
    stands(ending) &&
    need.endings.every((each) => !stands(each) || lexically(order(each), order(ending)) <= 0)
  )
}

export function lexically(a: readonly number[], b: readonly number[]): number {
  for (const [at, x] of a.entries()) if (x !== b[at]) return x - b[at]!
  return 0
}

export function newestOf(sets: AgreedSet[]): AgreedSet[] {
  let newest: AgreedSet[] = []
  for (const set of sets) {
    const order = newest[0] ? lexically(set.seqs, newest[0].seqs) : 1
    if (order > 0) newest = [set]
    else if (order === 0) newest.push(set)
  }
  return newest
}

export type Moment = { trigger: TinyTrigger | null; taken: Taken; used: ReadonlySet<number> }

export function standing(job: OnJob, set: AgreedSet, { trigger, taken, used }: Moment) {
  if (!taken) return { isNewer: true, isOlder: false, isEvery: false, isSame: false }
  const before = job.inputs.map((input) => (input.pin ? 0 : (taken.seqs[input.resource] ?? 0)))
  const order = lexically(set.seqs, before)
  const looseNews = job.needs.filter((need) => {
    if (need.versions !== 'any') return false
    const run = set.loose[need.job]?.run ?? offeredLoose(job, need)?.run
    const known = taken.runs[need.job]
    if (run === undefined || run === known) return false
    return known === undefined || run > known || need.endings.some((each) => each.run === known)
  })
  const starts = (input: OnJob['inputs'][number]) =>
    input.by.length > 0
      ? job.needs.some((need) => need.trigger && input.by.includes(need.job))
      : input.get!.trigger
  const isPinCome =
    trigger?.kind === 'version' &&
    job.inputs.some(
      (input) =>
        input.resource === trigger.resource &&
        input.pin?.id === trigger.version.id &&
        taken.seqs[input.resource] !== trigger.version.seq,
    )
  const above = order > 0 || (order === 0 && (looseNews.length > 0 || isPinCome))
  const fresh = job.inputs.some((input, at) => starts(input) && set.seqs[at]! > before[at]!)
  const stale = job.inputs.some((input, at) => starts(input) && set.seqs[at]! < before[at]!)
  const isNewer = above && (fresh || isPinCome || looseNews.some((need) => need.trigger))
  const isEvery =
    !isNewer &&
    job.inputs.some((input) => {
      const version = set.versions[input.resource]
      return input.get?.every && starts(input) && version && !used.has(version.id)
    })
  const isOlder = !isNewer && (order < 0 || (above && stale))
  return { isNewer, isEvery, isSame: order === 0 && !isNewer, isOlder }
}

export const offeredLoose = (job: OnJob, need: OnJob['needs'][number]) =>
  need.endings.find((ending) => isNewestLoose(job, need, ending))

/** Of each edge the newest by itself. */
export function offered(job: OnJob, trigger: TinyTrigger, taken: Taken): AgreedSet | null {
  const versions: Record<string, VersionFact> = {}
  const seqs: number[] = []
  for (const input of job.inputs) {
    if (input.pin && input.pin.id === null) return null
    const vouched = job.needs
      .filter((need) => input.by.includes(need.job))
      .flatMap((need) => need.endings.filter((ending) => fitsPins(job, need.job, ending)))
      .flatMap((ending) => ending.versions[input.resource] ?? [])
    if (trigger.kind === 'version' && trigger.resource === input.resource && input.by.length > 0)
      vouched.push(trigger.version)
    let newest: VersionFact | null = null
    for (const each of vouched) if (!newest || each.seq > newest.seq) newest = each
    const pinned = input.all.find(({ id }) => id === input.pin?.id) ?? null
    const version = newest ?? pinned ?? input.newest
    if (version) versions[input.resource] = version
    else if (mustBeThere(job, input)) return null
    const isVouched = input.by.length === 0 || (version && vouched.some((each) => each.id === version.id))
    const isOnlyBrought = isVouched && input.by.length > 0 && !isHeld(job, input, version!)
    const counts = version && isVouched && !isOnlyBrought
    seqs.push(input.pin ? 0 : counts ? version.seq : (taken?.seqs[input.resource] ?? 0))
  }
  return { versions, loose: {}, joined: {}, seqs }
}

export const fitsPins = (job: OnJob, name: string, ending: TinyEnding) =>
  job.inputs.every((input) => {
    const held = ending.versions[input.resource]
    return !input.by.includes(name) || !input.pin || !held || held.id === input.pin.id
  })
export const isHeld = (job: OnJob, input: OnJob['inputs'][number], version: VersionFact) =>
  job.needs.some(
    (need) =>
      input.by.includes(need.job) &&
      need.endings.some(
        (each) => fitsPins(job, need.job, each) && each.versions[input.resource]?.id === version.id,
      ),
  )
