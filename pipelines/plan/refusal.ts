import { ownIn } from '../own-in.ts'
import type { Facts, Trigger } from './facts.ts'
import { inWords, letsThrough } from './words.ts'

/** Why nothing can come of a trigger, whatever else there is, in words; null when something may. */
export function refusalOf(facts: Facts, trigger: Trigger): string | null {
  const own = refusalOfFact(facts, trigger)
  return own ?? trigger.refused ?? null
}

function refusalOfFact(facts: Facts, trigger: Trigger): string | null {
  switch (trigger.kind) {
    case 'version':
      return refusedVersion(facts, trigger)
    case 'ending':
      return refusedEnding(facts, trigger)
    case 'changed':
      return null
  }
}

type Of<Kind extends Trigger['kind']> = Extract<Trigger, { kind: Kind }>

function refusedVersion({ job, inputs }: Facts, { resource, version }: Of<'version'>) {
  const input = inputs.find((each) => each.resource === resource)
  if (!input?.get?.trigger) return `${resource} starts ${job.name} no more`
  if (input.via.length > 0 && input.get.start !== 'immediate')
    return `${inWords(resource, version)} starts ${job.name} when ${input.via.join(' and ')} passed it`
  if (input.pin) return input.pin.version?.id === version.id ? null : input.pin.words
  const isLeftOut = !input.newest || input.newest.seq < version.seq
  return isLeftOut ? `${inWords(resource, version)} was disabled, or left behind by a force-push` : null
}

function refusedEnding({ job, inputs, needs }: Facts, { job: name, ending }: Of<'ending'>) {
  const need = needs.find((each) => each.job === name)
  if (!need?.trigger) return `${name} starts ${job.name} no more`
  if (!letsThrough(need.on, ending.how)) return `${job.name} does not go on with how ${name} ended`
  const other = inputs.find(({ resource, via, from, pin }) => {
    const held = ownIn(ending.versions, resource)
    return pin && held && held.id !== pin.version?.id && (via.includes(name) || from === name)
  })
  return other?.pin?.words ?? null
}
