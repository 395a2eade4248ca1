import { Ending, WRONG_USE } from './ending.ts'

const KINDS = {
  jobs: '<project>/<pipeline>/<job>',
  resources: '<project>/<pipeline>/<resource>',
  schedules: '<project>/<pipeline>/<schedule>',
} as const

/** The address of a pipeline in the API, named as `<project>/<pipeline>`. */
export function pipelineAt(text: string): string {
  const [project, pipeline] = parts(text, 2, 'no pipeline: write <project>/<pipeline>')
  return `/api/v1/projects/${project}/pipelines/${pipeline}`
}

/** The address of a pipeline's job, resource or schedule in the API, named as `<project>/<pipeline>/<name>`. */
export function memberAt(kind: keyof typeof KINDS, text: string): string {
  const one = kind.slice(0, -1)
  const [project, pipeline, name] = parts(text, 3, `no ${one}: write ${KINDS[kind]}`)
  return `/api/v1/projects/${project}/pipelines/${pipeline}/${kind}/${name}`
}

function parts(text: string, count: number, otherwise: string): string[] {
  const names = text.split('/')
  if (names.length !== count || names.includes(''))
    throw new Ending(WRONG_USE, `\`${text}\` names ${otherwise}`)
  return names.map(encodeURIComponent)
}
