import { stripVTControlCharacters } from 'node:util'

/** A regular expression as it travels between threads. */
export type Pattern = { readonly source: string; readonly flags: string }

/**
 * Looks for a pattern in the log of one step, which comes in parts that may cut lines anywhere. Lines are read as people see them,
 * without colours, and each is found once.
 */
export class LineFinder {
  readonly #pattern: RegExp
  /** The beginning of a line whose end is not there yet. */
  #open = ''

  constructor({ source, flags }: Pattern) {
    this.#pattern = new RegExp(source, `${flags}gm`)
  }

  /** The lines that end in this part and have the pattern, ascending. `firstLine` is the number of the line that it begins in. */
  add(text: string, firstLine: number): number[] {
    const whole = this.#open + text
    const end = whole.lastIndexOf('\n') + 1
    this.#open = whole.slice(end)
    return this.#find(whole.slice(0, end), firstLine)
  }

  /** The last line, where it has no end. */
  rest(number: number): number[] {
    const open = this.#open
    this.#open = ''
    return this.#find(open, number)
  }

  #find(written: string, firstLine: number): number[] {
    const text = written.includes('\u001b') ? stripVTControlCharacters(written) : written
    const found: number[] = []
    let [line, counted] = [firstLine, 0]
    for (let from = 0; from < text.length;) {
      this.#pattern.lastIndex = from
      const match = this.#pattern.exec(text)
      if (!match || match.index >= text.length) return found
      for (let at = text.indexOf('\n', counted); at >= 0 && at < match.index; line++) {
        counted = at + 1
        at = text.indexOf('\n', counted)
      }
      found.push(line)
      const end = text.indexOf('\n', match.index)
      from = end < 0 ? text.length : end + 1
    }
    return found
  }
}
