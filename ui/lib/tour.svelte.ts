import type { Pipeline } from './api.ts'

/** The tour of somebody who begins: from nothing to a run that is green. */
export const TOUR_STEPS = ['project', 'file', 'run', 'green', 'next'] as const
export type TourStep = (typeof TOUR_STEPS)[number]

type Kept = {
  /** The project that was made on the tour. */
  readonly project: string | null
  /** Its line was green once: what turns red later takes nothing back. */
  readonly isGreen: boolean
  /** `open` by wish, `closed` for good; null: whoever has nothing yet is shown it. */
  readonly wish: 'open' | 'closed' | null
}
const NOTHING: Kept = { project: null, isGreen: false, wish: null }

/** How far somebody has come, kept in this browser by account. */
export class Tour {
  readonly #key: string
  #kept = $state.raw(NOTHING)

  constructor(account: string) {
    this.#key = `takt.tour:${account}`
    this.#kept = keptAt(this.#key)
  }

  get project(): string | null {
    return this.#kept.project
  }
  get isGreen(): boolean {
    return this.#kept.isGreen
  }

  /** @param hasNothing  There is no project yet that a person made. */
  isShown(hasNothing: boolean): boolean {
    const { wish, project } = this.#kept
    return wish === null ? hasNothing || project !== null : wish === 'open'
  }

  begin = (project: string): void => this.#keep({ ...this.#kept, project })
  sawGreen = (): void => this.#keep({ ...this.#kept, isGreen: true })
  close = (): void => this.#keep({ ...this.#kept, wish: 'closed' })
  again = (): void => this.#keep({ ...NOTHING, wish: 'open' })

  #keep(kept: Kept): void {
    this.#kept = kept
    try {
      localStorage.setItem(this.#key, JSON.stringify(kept))
    } catch {
      // Storage is closed to us: it lasts as long as the page.
    }
  }
}

function keptAt(key: string): Kept {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    if (typeof kept !== 'object' || kept === null) return NOTHING
    const { project, isGreen, wish } = kept as { readonly [name in keyof Kept]?: unknown }
    return {
      project: typeof project === 'string' ? project : null,
      isGreen: isGreen === true,
      wish: wish === 'open' || wish === 'closed' ? wish : null,
    }
  } catch {
    return NOTHING // Storage is closed to us, or holds what nobody here wrote.
  }
}

type Job = Pick<Pipeline['jobs'][number], 'gets' | 'needs' | 'last_run'>

/** Whether every job that starts by itself is through, and well. */
export function isAllGreen(jobs: readonly Job[]): boolean {
  const own = jobs.filter(({ gets, needs }) => [...gets, ...needs].some(({ trigger }) => trigger))
  return (
    own.length > 0 &&
    own.every(
      ({ last_run: run }) =>
        run !== null && (run.state === 'succeeded' || run.state === 'skipped' || run.allowed),
    )
  )
}

/** Where the tour stands, from what there is by now. */
export function tourStepAt(at: {
  readonly hasProject: boolean
  readonly isGreen: boolean
  /** Null: no file was read yet. */
  readonly jobs: readonly Job[] | null
}): TourStep {
  if (!at.hasProject) return 'project'
  if (at.isGreen || (at.jobs && isAllGreen(at.jobs))) return 'next'
  if (!at.jobs) return 'file'
  const runs = at.jobs.flatMap(({ last_run: run }) => run ?? [])
  return runs.some(({ state }) => state !== 'queued') ? 'green' : 'run'
}

/** A name for the first project that nothing has yet. */
export function freeName(taken: readonly string[], wanted = 'first-line'): string {
  if (!taken.includes(wanted)) return wanted
  let number = 2
  while (taken.includes(`${wanted}-${number}`)) number++
  return `${wanted}-${number}`
}
