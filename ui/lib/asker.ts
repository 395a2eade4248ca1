import { createContext } from 'svelte'
import { reaches, type Role } from '#pipelines/access/roles.ts'
import type { Me } from './api.ts'

/** Who looks at the dashboard; null is nobody in particular, who sees what is public. */
export type Asker = { readonly me: Me | null }
export const [getAsker, setAsker] = createContext<Asker>()

export const isSiteAdmin = ({ me }: Asker): boolean => me?.role === 'admin'

/** Whether somebody may here what is for `least`. Nobody in particular is offered nothing, whatever is public. */
export const may = ({ me }: Asker, role: Role | null, least: Role): boolean =>
  me !== null && reaches(role, least)
