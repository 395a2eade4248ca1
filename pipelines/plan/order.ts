/** How a commit stands to the one its ref was known to point to: it goes on from it, it led to it, or they parted. */
export type Kinship = 'same' | 'continues' | 'ancestor' | 'diverged' | 'unknown'

/** A push as it is told, beside what is known of its ref. */
export type Told = {
  /** Where the ref pointed until then, as the push says; null when it was new, or nobody said. */
  readonly before: string | null
  /** Where we believe the ref points; null when it is gone. */
  readonly head: string | null
  /** What became of a delivery that came later is known already: this one is looked at again, or was overtaken. */
  readonly overtaken: boolean
  /** Some push is on record that began at the commit which this one brings. */
  readonly wentOn: boolean
  /** To `head`, or where that is gone to the newest version that came by the ref; null when nothing is known of it. */
  readonly kinship: Kinship | null
}

/**
 * What a push does to the order of its lane.
 *
 * - `newest`: it goes on from what was newest. `known`: it brings what is newest.
 * - `back`: the ref was moved to where it was before. `forced`: to somewhere else. What it does not lead to any more is left.
 * - `unsure`: as `newest`, because it came last; the history that would tell is too long.
 * - `late`: it led to what is newest, and was told after it. `left`: so it was, and the ref leads to it no more.
 */
export type Position = 'newest' | 'known' | 'back' | 'forced' | 'unsure' | 'late' | 'left'

/**
 * Order is by ancestry, not by arrival: only where two commits parted, or the push itself says what it came after, does it count
 * when it was told.
 */
export function positionOf(told: Told): Position {
  const { before, head, overtaken, wentOn, kinship } = told
  if (kinship === null) return overtaken ? 'late' : 'newest'
  const follows = head !== null && before === head
  if (overtaken && !(follows && kinship === 'continues' && !wentOn)) return passedBy(kinship, head)
  if (follows || (head === null && !(before !== null && wentOn))) return ONTO[kinship]
  if (kinship === 'ancestor' || kinship === 'same' || kinship === 'continues')
    return head === null ? 'late' : ASIDE[kinship]
  return wentOn ? 'left' : ONTO[kinship]
}

/** It comes right after what is known. */
const ONTO = {
  same: 'known',
  continues: 'newest',
  ancestor: 'back',
  diverged: 'forced',
  unknown: 'unsure',
} as const
/** It says that something else was before it, or nothing. */
const ASIDE = { same: 'known', continues: 'newest', ancestor: 'late' } as const

function passedBy(kinship: Kinship, head: string | null): Position {
  if (kinship === 'same' && head !== null) return 'known'
  return kinship === 'ancestor' || kinship === 'same' ? 'late' : 'left'
}

/** Whether the ref points to the commit now: its file counts, and its version is the newest. */
export const isHead = (position: Position): boolean => position !== 'late' && position !== 'left'

/** What people are told of a push that did not simply go on. */
export function positionWords(position: Position, left: number): string {
  const behind = `${left} ${left === 1 ? 'version' : 'versions'} left behind`
  switch (position) {
    case 'newest':
    case 'known':
      return ''
    case 'back':
      return `, moved back: ${behind}`
    case 'forced':
      return `, force-push: ${behind}`
    case 'unsure':
      return ', newest because it was told last: how it stands to the one before is too far back to see'
    case 'late':
      return ', told late: newer ones stay in force'
    case 'left':
      return ', told late, and left behind by a force-push'
    default:
      return position satisfies never
  }
}
