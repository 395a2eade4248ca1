type Labels = Readonly<Record<string, string>>
type Sample = { readonly name: string; readonly labels: Labels; readonly value: number }
type Family = {
  readonly help: string
  readonly type: string
  readonly read: () => Promise<readonly Sample[]>
}

/** A number that only rises, by label. */
export type Counter = { add(labels?: Labels, by?: number): void }
/** How often values stayed below each of some bounds. */
export type Histogram = { observe(value: number): void }

/** What this process counts, in the text format that Prometheus reads. What the database knows is asked when somebody looks. */
export class Metrics {
  readonly #families = new Map<string, Family>()

  counter(name: string, help: string): Counter {
    const counted = new Map<string, { labels: Labels; value: number }>()
    this.#add(name, { help, type: 'counter', read: async () => samples(name, [...counted.values()]) })
    return {
      add(labels = {}, by = 1) {
        const key = JSON.stringify(labels)
        counted.set(key, { labels, value: (counted.get(key)?.value ?? 0) + by })
      },
    }
  }

  /** @param bounds  Rising. */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const counts = bounds.map(() => 0)
    const all = { sum: 0, count: 0 }
    const read = async () => [
      ...bounds.map((bound, at) => sample(`${name}_bucket`, { le: String(bound) }, counts[at] ?? 0)),
      sample(`${name}_bucket`, { le: '+Inf' }, all.count),
      sample(`${name}_sum`, {}, all.sum),
      sample(`${name}_count`, {}, all.count),
    ]
    this.#add(name, { help, type: 'histogram', read })
    return {
      observe(value) {
        bounds.forEach((bound, at) => value <= bound && (counts[at] = (counts[at] ?? 0) + 1))
        all.sum += value
        all.count += 1
      },
    }
  }

  /** A number that is asked for when somebody looks. */
  gauge(name: string, help: string, ask: () => Promise<readonly { labels: Labels; value: number }[]>): void {
    this.#add(name, { help, type: 'gauge', read: async () => samples(name, await ask()) })
  }

  async text(): Promise<string> {
    const parts: string[] = []
    for (const [name, { help, type, read }] of this.#families)
      parts.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...(await read()).map(line))
    return `${parts.join('\n')}\n`
  }

  #add(name: string, family: Family): void {
    if (this.#families.has(name)) throw new Error(`${name} is counted already`)
    this.#families.set(name, family)
  }
}

const sample = (name: string, labels: Labels, value: number): Sample => ({ name, labels, value })
const samples = (name: string, rows: readonly { labels: Labels; value: number }[]) =>
  rows.map(({ labels, value }) => sample(name, labels, value))

function line({ name, labels, value }: Sample): string {
  const said = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
  return `${name}${said.length > 0 ? `{${said.join(',')}}` : ''} ${value}`
}

const escaped = (text: string) =>
  text.replace(/[\\"\n]/g, (letter) => (letter === '\n' ? '\\n' : `\\${letter}`))
