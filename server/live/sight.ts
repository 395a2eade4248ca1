import type { RunId, UserId } from '#pipelines/ids.ts'
import { type Access, NOBODY } from '#pipelines/access/roles.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Topic } from '#pipelines/wire/live.ts'
import { type Credentials, identify } from '../access/authenticate.ts'
import { accessOf, namesSeen, roleInRun, seesAll } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'

/** What one connection may see, as it was when last looked at. */
export type Sight = {
  readonly isSomebody: boolean
  /** Null: nobody in particular. */
  readonly user: UserId | null
  readonly access: Access
  /** The projects it sees, by name; null: all of them. */
  readonly projects: ReadonlySet<string> | null
}

/**
 * Look who shows these credentials and what they see now.
 *
 * @throws {Problem} `bad-token`.
 */
export async function sightOf(db: Db, credentials: Credentials): Promise<Sight> {
  const who = await identify(db, credentials)
  const access = who ? await accessOf(db, who) : NOBODY
  return { isSomebody: who !== null, user: who?.id ?? null, access, projects: await namesSeen(db, access) }
}

export const seesProject = ({ projects }: Sight, name: string): boolean => projects?.has(name) ?? true

/** Whether an event is for this connection. What is of no project is for whoever is signed in, deliveries for those who see all,
 * and a maintenance for whoever sees anything. */
export function seesEvent(sight: Sight, event: TaktEvent): boolean {
  if (event.kind === 'access.changed') return true
  if ('project' in event && event.project !== null) return seesProject(sight, event.project)
  if (event.kind === 'maintenance.changed') return sight.isSomebody || sight.projects?.size !== 0
  return event.kind === 'runner.changed' ? sight.isSomebody : seesAll(sight.access)
}

/** Why a topic cannot be watched, in the words for what does not exist; null where it can. */
export async function refusalOf(db: Db, sight: Sight, topic: Topic): Promise<Problem | null> {
  switch (topic.of) {
    case 'all':
      return null // of everything that happens, only what is seen is told
    case 'project':
      return seesProject(sight, topic.project)
        ? null
        : new Problem('project-not-found', `there is no project \`${topic.project}\``)
    case 'run': {
      if (sight.projects === null) return null
      const role = await roleInRun(db, sight.access, topic.run as RunId)
      return role === null ? new Problem('run-not-found', `there is no run ${topic.run}`) : null
    }
  }
}
