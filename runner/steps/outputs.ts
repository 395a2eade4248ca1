import { MOST_LETTERS, MOST_TOLD_BYTES } from '#pipelines/wire/runner.ts'

/** What a line of `$TAKT_OUTPUT` may be called, and how long its value may be. */
const LINE = /^([A-Za-z_][A-Za-z0-9_.-]{0,99})=(.*)$/s
const MOST_BYTES = 1_000_000
/** Of one name and its value in JSON, besides both: a colon and a comma. */
const SIGNS_BYTES = 2

/** The values that a job's steps write to `$TAKT_OUTPUT`, and what is wrong with what they write. */
export class Outputs {
  readonly #names: readonly string[]
  readonly #values = new Map<string, string>()
  readonly #told = new Set<string>()
  /** Of all values with their names, as the report has them. */
  #bytes = 0

  /**
   * @param names   Those that the job hands on; others are nobody's.
   * @param before  What was written before the run came to this runner.
   */
  constructor(names: readonly string[], before: Readonly<Record<string, string>> = {}) {
    this.#names = names
    for (const [name, value] of Object.entries(before)) this.#set(name, value)
  }

  get values(): Record<string, string> {
    return Object.fromEntries(this.#values)
  }

  /**
   * Read the whole file as it is at a step's end; of a name that is written twice the last value counts.
   *
   * @returns Whether a value is new, and sentences for the log, each of them only once for a run.
   */
  read(text: string): { readonly changed: boolean; readonly complaints: string[] } {
    const complaints: string[] = []
    let changed = false
    for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
      const [, name, value = ''] = LINE.exec(line) ?? []
      const wrong = name === undefined ? lineWords(line) : this.#wrongWith(name, value)
      if (wrong) complaints.push(...this.#once(wrong))
      else if (name !== undefined && this.#values.get(name) !== value) {
        this.#set(name, value)
        changed = true
      }
    }
    if (Buffer.byteLength(text) >= MOST_BYTES)
      complaints.push(...this.#once('$TAKT_OUTPUT has more than a million bytes: the rest is not read.'))
    return { changed, complaints }
  }

  #wrongWith(name: string, value: string): string | null {
    if (!this.#names.includes(name))
      return `\`${name}\` is written to $TAKT_OUTPUT, but \`outputs\` of the job does not name it: nobody gets it.`
    if (value.length > MOST_LETTERS.value)
      return `The value of \`${name}\` in $TAKT_OUTPUT has ${value.length} characters; ${MOST_LETTERS.value} fit.`
    if (this.#bytesWith(name, value) > MOST_TOLD_BYTES)
      return `\`${name}\` in $TAKT_OUTPUT is not set: with it the job’s outputs would be more than a million bytes as JSON.`
    return null
  }

  #bytesWith(name: string, value: string): number {
    const before = this.#values.get(name)
    return this.#bytes - (before === undefined ? 0 : bytesOf(name, before)) + bytesOf(name, value)
  }

  #set(name: string, value: string): void {
    this.#bytes = this.#bytesWith(name, value)
    this.#values.set(name, value)
  }

  #once(sentence: string): string[] {
    if (this.#told.has(sentence)) return []
    this.#told.add(sentence)
    return [`${sentence}\n`]
  }
}

const bytesOf = (name: string, value: string) =>
  name.length + 2 + Buffer.byteLength(JSON.stringify(value)) + SIGNS_BYTES

const lineWords = (line: string) =>
  `A line of $TAKT_OUTPUT is not \`name=value\`: ${JSON.stringify(line.slice(0, 60))}.`
