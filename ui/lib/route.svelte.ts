import { createContext } from 'svelte'
import { placeOf } from './places.ts'

/** The browser's address as state. Links are plain `<a href>`; the shell hands their clicks to `follow`. */
export class Route {
  #url = $state.raw(new URL(location.href))
  readonly place = $derived(placeOf(this.#url))

  get url(): URL {
    return this.#url
  }

  /** The browser went somewhere by itself: back, forward, or to a fragment. */
  arrive = (): void => {
    this.#url = new URL(location.href)
  }

  go = (href: string): void => {
    const before = location.pathname
    history.pushState(null, '', href)
    this.arrive()
    if (location.pathname !== before) scrollTo(0, 0)
  }

  replace = (href: string): void => {
    history.replaceState(null, '', href)
    this.arrive()
  }

  follow = (event: MouseEvent): void => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || event.defaultPrevented || event.button !== 0 || !isPlain(event)) return
    if (link.target || link.hasAttribute('download') || link.origin !== location.origin) return
    const url = new URL(link.href)
    const isFragment = url.hash !== '' && url.pathname === location.pathname && url.search === location.search
    if (isFragment || placeOf(url).page === 'missing') return
    event.preventDefault()
    this.go(link.href)
  }
}

const isPlain = (event: MouseEvent) => !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey

export const [getRoute, setRoute] = createContext<Route>()
