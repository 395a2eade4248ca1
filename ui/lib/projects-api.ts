import { body, type Project, v1 } from './api.ts'

export type NewProject = {
  readonly name: string
  readonly organization: string
  /** Where its repository lies; null: Takt keeps it. */
  readonly url: string | null
}

export const addProject = ({ name, organization, url }: NewProject): Promise<Project> =>
  body(v1.projects.$post({ json: { name, organization, ...(url === null ? {} : { repository: { url } }) } }))
