/** What somebody wrote and did not commit: it outlives the page, in this tab of the browser. */
export type Draft = {
  readonly text: string
  /** The text that it was made from, and that one's commit; null where there was no file. */
  readonly base: string
  readonly commit: string | null
}

type DraftAt = { readonly project: string; readonly pipeline: string; readonly lane: string }

const keyOf = ({ project, pipeline, lane }: DraftAt) =>
  `takt.draft:${JSON.stringify([project, pipeline, lane])}`

export function keptDraft(at: DraftAt): Draft | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(keyOf(at)) ?? 'null')
    return isDraft(kept) ? kept : null
  } catch {
    return null // Storage is closed to us, or holds what nobody here wrote.
  }
}

export function keepDraft(at: DraftAt, draft: Draft | null): void {
  try {
    if (draft === null) sessionStorage.removeItem(keyOf(at))
    else sessionStorage.setItem(keyOf(at), JSON.stringify(draft))
  } catch {
    // Storage is closed to us or full: the text lasts as long as the page, which warns who leaves it.
  }
}

const isDraft = (kept: unknown): kept is Draft =>
  typeof kept === 'object' &&
  kept !== null &&
  'text' in kept &&
  typeof kept.text === 'string' &&
  'base' in kept &&
  typeof kept.base === 'string' &&
  'commit' in kept &&
  (kept.commit === null || typeof kept.commit === 'string')
