import type { PipelineFile } from './schema.ts'

/** A pipeline as the rest of the house sees it: every default filled in, every edge spelled out. */
export type Pipeline = {
  readonly resources: readonly Resource[]
  readonly triggers: { readonly push: readonly string[]; readonly tag: readonly string[] }
  /** In the order of the file. */
  readonly jobs: readonly Job[]
}

export type Resource = {
  readonly name: string
  readonly kind: 'git'
  /** `.` for the repository of the file itself, else a URL. */
  readonly repository: string
  readonly branch: string | null
}

export type Job = {
  readonly name: string
  readonly gets: readonly { readonly resource: string; readonly trigger: boolean }[]
  readonly needs: readonly { readonly job: string; readonly trigger: boolean }[]
  /** Null means: whatever the runner's engine runs on where no image is named. */
  readonly image: string | null
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly commands: readonly string[]
}

const DEFAULT_TIMEOUT_MS = 60 * 60_000
const DEFAULT_RESOURCES: NonNullable<PipelineFile['resources']> = { src: { git: '.' } }

/** Fill in what a well-shaped file leaves unsaid. A job without `get` and `needs` watches the first resource. */
export function pipelineOf(file: PipelineFile): Pipeline {
  const resources = Object.entries(file.resources ?? DEFAULT_RESOURCES).map(([name, body]): Resource => ({
    name,
    kind: 'git',
    repository: body.git,
    branch: body.branch ?? null,
  }))
  const first = resources[0]
  const implied = first ? [{ resource: first.name, trigger: true }] : []
  const jobs = Object.entries(file.jobs).map(([name, job]): Job => ({
    name,
    gets: job.get ?? (job.needs ? [] : implied),
    needs: job.needs ?? [],
    image: job.image ?? file.defaults?.image ?? null,
    env: { ...file.defaults?.env, ...job.env },
    timeoutMs: job.timeout ?? file.defaults?.timeout ?? DEFAULT_TIMEOUT_MS,
    commands: job.run,
  }))
  return {
    resources,
    triggers: { push: file.triggers?.push ?? ['**'], tag: file.triggers?.tag ?? [] },
    jobs,
  }
}
