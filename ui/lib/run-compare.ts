import type { Run, RunSummary } from './api.ts'
import { shortVersion, tookMs } from './line-summary.ts'
import { runLook, runWord, stepLook, stepWord } from './state-words.ts'

/** One thing that is told of both runs; null where one of them has no such thing. */
export type Compared = { readonly name: string; readonly before: string | null; readonly now: string | null }
/** How long a step took in both, in milliseconds; null where it did not run to an end. */
export type ComparedStep = {
  readonly name: string
  readonly beforeMs: number | null
  readonly nowMs: number | null
  /** What became of it, where that was not the same. */
  readonly turned: string | null
}

/** The run of the same job, lane and leg that came to its end before this one began. `runs` come newest first. */
export function runBefore(
  run: Pick<Run, 'id' | 'matrix'>,
  runs: readonly RunSummary[],
): RunSummary | undefined {
  const leg = JSON.stringify(run.matrix)
  return runs.find(
    (each) => each.id < run.id && each.ended_at !== null && !each.skip && JSON.stringify(each.matrix) === leg,
  )
}

/** What went into both runs and came of them, in the order of the later one. */
export function comparedFacts(now: Run, before: Run): Compared[] {
  const version = (run: Run, resource: string) => {
    const found = run.inputs.find((input) => input.resource === resource)
    return found ? `${shortVersion(found.version)}${found.title ? ` ${found.title}` : ''}` : null
  }
  const resources = [...new Set([...now.inputs, ...before.inputs].map(({ resource }) => resource))]
  const given = [...new Set([now, before].flatMap((run) => Object.keys(run.given ?? {})))]
  return [
    { name: 'State', before: runWord(runLook(before)), now: runWord(runLook(now)) },
    ...resources.map((name) => ({ name, before: version(before, name), now: version(now, name) })),
    ...given.map((name) => ({ name, before: before.given?.[name] ?? null, now: now.given?.[name] ?? null })),
    { name: 'Runner', before: before.runner, now: now.runner },
  ]
}

/** The steps of both, matched by their names and by how often a name came before. */
export function comparedSteps(now: Run, before: Run): ComparedStep[] {
  const named = (run: Run) => {
    const seen = new Map<string, number>()
    return new Map(
      run.steps.map((step) => {
        const count = (seen.get(step.name) ?? 0) + 1
        seen.set(step.name, count)
        return [`${step.name} ${count}`, step] as const
      }),
    )
  }
  const [old, young] = [named(before), named(now)]
  return [...new Set([...young.keys(), ...old.keys()])].map((key) => {
    const [was, is] = [old.get(key), young.get(key)]
    const looks = [was, is].map((step) => (step ? stepWord(stepLook(step)) : 'not there'))
    return {
      name: (is ?? was)?.name ?? key,
      beforeMs: was?.ended_at ? tookMs(was, 0) : null,
      nowMs: is?.ended_at ? tookMs(is, 0) : null,
      turned: looks[0] === looks[1] ? null : looks.join(' → '),
    }
  })
}
