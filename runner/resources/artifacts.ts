import { variableOf } from '#pipelines/language/expression/interpolate.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { FOLDERS } from '../engine.ts'
import type { Place } from '../resources.ts'
import type { Tree } from './protocol.ts'

/** Files of the workspace, and the name under which a program of a resource finds them; an empty one for all of it. */
export type Artifact = { readonly path: string; readonly name: string }

/**
 * What of a run's files a put needs: its parameters name it, as in Concourse (`detect`).
 *
 * The first part of every text that is a path is the name of a resource of the run (its checkout's too), else of a file or folder
 * of the working directory. Where no text names any, the whole working directory and everything that was fetched is sent.
 */
export async function artifactsOf(
  params: Tree,
  { work: { plan }, workspace, signal }: Place,
): Promise<Artifact[]> {
  const named: Artifact[] = []
  for (const name of firstParts(params)) {
    const resource = resourceNamed(plan, name)
    const artifact = resource ?? { path: `${FOLDERS.work}/${name}`, name }
    const files = resource ? true : await isThere(() => workspace.read(artifact.path, signal))
    if (files) named.push(artifact)
  }
  return named.length > 0 ? named : everything(plan)
}

function resourceNamed(plan: Plan, name: string): Artifact | null {
  if (plan.gets.some(({ resource, kind }) => resource === name && kind !== 'values'))
    return { path: `${FOLDERS.inputs}/${name}`, name }
  // The plan does not say what the checkout's resource is called, but its commit stands under that name.
  const { checkout, env } = plan
  return checkout && env[variableOf(`${name}.sha`)] === checkout.sha ? { path: FOLDERS.work, name } : null
}

const everything = ({ gets }: Plan): Artifact[] => [
  { path: FOLDERS.work, name: '' },
  ...gets.flatMap(({ resource: name, kind }) =>
    kind === 'values' ? [] : [{ path: `${FOLDERS.inputs}/${name}`, name }],
  ),
]

/** The first part that is a name, of every text in the parameters, each once. */
function firstParts(params: Tree): string[] {
  const parts = textsIn(params).flatMap((text) => {
    const part = text.split('/').find((each) => each !== '' && each !== '.' && each !== '..')
    return part !== undefined && part.length <= 255 && !part.includes('\0') ? [part] : []
  })
  return [...new Set(parts)]
}

function textsIn(tree: unknown): string[] {
  if (typeof tree === 'string') return [tree]
  return typeof tree === 'object' && tree !== null ? Object.values(tree).flatMap(textsIn) : []
}

/** Whether there are any files; what was begun to be read is let go. */
async function isThere(read: () => ReturnType<Place['workspace']['read']>): Promise<boolean> {
  const files = await read()
  files?.on('error', () => {}) // let go on purpose
  files?.destroy()
  return files !== null
}
