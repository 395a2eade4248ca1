import type { ITheme } from '@xterm/xterm'

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const

/** The page's colours as exact ones: a screen is drawn by a library that knows neither variables nor light and dark. */
export function screenColours(within: HTMLElement): ITheme {
  const probe = document.createElement('span')
  probe.hidden = true
  within.append(probe)
  const exact = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const theme: ITheme = {
    background: exact('log'),
    foreground: exact('ink'),
    cursor: exact('brass'),
    cursorAccent: exact('log'),
    selectionBackground: exact('line-strong'),
  }
  NAMES.forEach((name, at) => {
    theme[name] = exact(`ansi-${at}`)
    theme[bright(name)] = exact(`ansi-${at + 8}`)
  })
  probe.remove()
  return theme
}

const bright = <Name extends (typeof NAMES)[number]>(name: Name) =>
  `bright${name[0]?.toUpperCase()}${name.slice(1)}` as `bright${Capitalize<Name>}`
