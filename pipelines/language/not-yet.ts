import { error, type Finding, keyAt, type Path, valueAt } from './diagnostic.ts'
import { piecesOf } from './expression/interpolate.ts'
import { childOf } from './schema-walk.ts'

/**
 * What this version of Takt carries out. Everything else that the language knows is refused where it is to run: a gate, a filter
 * or a secret that is read and not heeded does harm, and the more so the better the file looks.
 *
 * Where a list of keys is missing, whatever stands there is carried out.
 */
type Runs = { readonly [key: string]: Runs | true }
const EDGE: Runs = { '*': { trigger: true } }
const SHARED: Runs = { image: true, env: true, timeout: true }
const RUNS: Runs = {
  resources: { '*': { git: true, branch: true } },
  triggers: { push: {}, tag: {} },
  defaults: SHARED,
  jobs: { '*': { ...SHARED, get: EDGE, needs: EDGE, run: true } },
}

/** Findings for whatever the file uses that is read, checked, stored, and not carried out yet. The file itself is well-shaped. */
export const notYet = (tree: unknown): Finding[] => [...keysNotRun(tree, RUNS, []), ...valuesNotRun(tree)]

function keysNotRun(written: unknown, runs: Runs, path: Path): Finding[] {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return []
  return Object.entries(written).flatMap(([key, value]) => {
    const inner = Object.hasOwn(runs, key) ? runs[key] : runs['*']
    const at = [...path, key]
    if (inner === true) return []
    return inner === undefined ? [refused(`\`${key}\``, keyAt(...at))] : keysNotRun(value, inner, at)
  })
}

/** Values that are put into a text: their names would arrive in the container as they are written. */
function valuesNotRun(tree: unknown): Finding[] {
  const jobs = Object.keys(childOf(tree, 'jobs') ?? {})
  const bodies: Path[] = [['defaults'], ...jobs.map((job) => ['jobs', job])]
  return bodies.flatMap((path) => {
    const body = path.reduce<unknown>(childOf, tree)
    const env = Object.entries(childOf(body, 'env') ?? {}).map(([name, text]) => ({
      text,
      path: [...path, 'env', name],
    }))
    const texts = [{ text: childOf(body, 'image'), path: [...path, 'image'] }, ...env]
    return texts.flatMap(({ text, path: at }) => {
      const marked =
        typeof text === 'string' &&
        (text.includes('$$(') || piecesOf(text).some(({ kind }) => kind !== 'text'))
      return marked ? [refused('`$(…)`', valueAt(...at))] : []
    })
  })
}

const refused = (what: string, place: ReturnType<typeof keyAt>): Finding =>
  error(
    'not-yet',
    place,
    `${what} is not carried out yet`,
    `the file is right; this version of Takt does not run ${what} yet`,
  )
