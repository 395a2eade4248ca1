import type { TaktEvent } from '#pipelines/wire/events.ts'
import { api, asRefusal, type Answer, type Refusal, type Trace } from './api.ts'
import type { Since, SnapshotOptions } from './snapshot.svelte.ts'

/** What a project says about a version; one that does not have it says nothing. */
export type Found = { readonly project: string } & ({ readonly trace: Trace } | { readonly refusal: Refusal })

/** Where a version is, in all projects: a commit belongs to one of them, and people know it by its hash alone. */
export const followVersion = (version: string): SnapshotOptions<readonly Found[]> => ({
  topic: { of: 'all' },
  take: (signal, since) => inProjects(version, signal, since),
  concerns: (event) => projectOf(event) !== null,
})

/** How far a version came in one project. */
export const followTrace = (project: string, version: string): SnapshotOptions<Trace> => ({
  topic: { of: 'project', project },
  take: (signal) => api.trace(project, version, signal),
  concerns: (event) =>
    projectOf(event) === project || (event.kind === 'gate.opened' && event.project === project),
})

const projectOf = (event: TaktEvent): string | null =>
  event.kind === 'run.moved' || event.kind === 'version.recorded' || event.kind === 'project.added'
    ? event.project
    : null

/** A project in which nothing happened since says what it said before. */
async function inProjects(
  version: string,
  signal: AbortSignal,
  since: Since<readonly Found[]> | null,
): Promise<Answer<readonly Found[]>> {
  const { body, cursor } = await api.projects(signal)
  const touched = since && new Set(since.events.map(projectOf))
  const found = body.items.map(async ({ name }) =>
    touched && !touched.has(name)
      ? (since?.value.filter(({ project }) => project === name) ?? [])
      : inProject(name, version, signal),
  )
  return { body: (await Promise.all(found)).flat(), cursor }
}

async function inProject(project: string, version: string, signal: AbortSignal): Promise<Found[]> {
  try {
    return [{ project, trace: (await api.trace(project, version, signal)).body }]
  } catch (cause) {
    const refusal = asRefusal(cause)
    if (refusal.code === 'version-not-found') return []
    if (signal.aborted || refusal.status === 0 || refusal.status >= 500) throw cause
    return [{ project, refusal }]
  }
}
