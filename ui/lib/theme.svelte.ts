export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'takt.theme'
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }

/** The chosen colours; `auto` follows the system. `public/theme.js` applies the same choice before the first paint. */
export class ThemeChoice {
  #theme = $state<Theme>(remembered(KEY, ['light', 'dark'] as const) ?? 'auto')

  get theme(): Theme {
    return this.#theme
  }

  turn = (): void => {
    this.#theme = NEXT[this.#theme]
    remember(KEY, this.#theme === 'auto' ? null : this.#theme)
    if (this.#theme === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = this.#theme
  }
}

/** What this browser was told before, if it is one of `values`. Storage that is closed to us counts as empty. */
export function remembered<Value extends string>(key: string, values: readonly Value[]): Value | null {
  try {
    const found = localStorage.getItem(key)
    return values.find((value) => value === found) ?? null
  } catch {
    return null
  }
}

export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // Storage is closed to us: the choice lasts as long as the page.
  }
}
