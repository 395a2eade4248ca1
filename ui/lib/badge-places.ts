import { lineAddress } from './places.ts'

export type BadgeOf = {
  readonly project: string
  readonly pipeline: string
  /** An empty text: that of the default branch. */
  readonly lane: string
  /** An empty text: the whole line. */
  readonly job: string
}

/** Where the image lies that says how a line, or one job of it, stands. */
export function badgeAddress({ project, pipeline, lane, job }: BadgeOf): string {
  const said = Object.entries({ lane, job }).filter(([, value]) => value !== '')
  const [at, of] = [project, pipeline].map(encodeURIComponent)
  const address = `/api/v1/projects/${at}/pipelines/${of}/badge.svg`
  return said.length === 0 ? address : `${address}?${new URLSearchParams(said)}`
}

/** The image for a README, which leads to what it is about. */
export function badgeMarkdown(origin: string, wanted: BadgeOf): string {
  const { project, pipeline, lane, job } = wanted
  const line = lineAddress({ project, pipeline, lane }, job === '' ? null : { of: 'job', name: job })
  return `[![${job === '' ? pipeline : job}](${origin}${badgeAddress(wanted)})](${origin}${line})`
}
