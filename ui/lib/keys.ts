import { SvelteMap } from 'svelte/reactivity'

/** What a key does on the page that is open; two signs are pressed one after the other: `g h`. */
export type Keys = {
  readonly [keys: string]: {
    readonly words: string
    readonly act: () => void
    /** Also where a dialog is open. */
    readonly inDialogs?: boolean
  }
}
export type KeySet = { readonly title: string; readonly keys: Keys }

/** Of two parts of a page that know the same key, the one that came last has it. */
const sets = new SvelteMap<symbol, KeySet>()
/** How long the second sign may be waited for. */
const NEXT_MS = 1_200
let first: { readonly sign: string; readonly at: number } | null = null

export const keySets = (): readonly KeySet[] => [...sets.values()]

/** Lets a part of a page have keys for as long as it is there: `{@attach withKeys(…)}`. */
export const withKeys = (set: KeySet) => () => {
  const id = Symbol(set.title)
  sets.set(id, set)
  return () => void sets.delete(id)
}

/** Does what a key is for, unless it is written somewhere, or meant for the browser or, mostly, for an open dialog. */
export function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isWriting(event)) return
  const isInDialog = document.querySelector('dialog[open]') !== null
  const before = first !== null && event.timeStamp - first.at < NEXT_MS ? first.sign : null
  first = null
  const known = keySets().toReversed()
  const find = (keys: string) => known.map((set) => set.keys[keys]).find((key) => key !== undefined)
  const key = (before === null ? undefined : find(`${before} ${event.key}`)) ?? find(event.key)
  if (isInDialog && !key?.inDialogs) return
  if (key) {
    event.preventDefault()
    key.act()
  } else if (known.some((set) => Object.keys(set.keys).some((keys) => keys.startsWith(`${event.key} `))))
    first = { sign: event.key, at: event.timeStamp }
}

/** Also in the shadow of the page that an editor stands in. */
function isWriting(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0]
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input:not([type=checkbox], [type=radio]), textarea, select, .xterm *'))
  )
}
