import { reaches, type Access, type Role, roleIn, ROLES } from '#pipelines/access/roles.ts'
import type { GateKind } from '#pipelines/plan/gates.ts'
import type { OrganizationId, RunId, UserId } from '#pipelines/ids.ts'
import { judgeApprover } from '#pipelines/policy/judge.ts'
import { groundOfRun } from '../access/grants.ts'
import type { Db, Trx } from '../db/connect.ts'
import { rulesFor } from '../policies/queries.ts'
import { causesOf } from '../runs/causes.ts'

export type Decider = { readonly id: UserId; readonly name: string; readonly access: Access }
/** What of a gate says who may decide there. */
export type Deciding = {
  readonly run_id: RunId
  readonly kind: GateKind
  readonly deciders: readonly string[]
  readonly author: boolean
}

/** Whether somebody may decide at a gate: why not, in words, or null; and what a policy warns of, should they. */
export type Standing = { readonly refusal: string | null; readonly warned: Judged }
type Judged = ReturnType<typeof judgeApprover>
const refused = (refusal: string): Standing => ({ refusal, warned: null })

/**
 * How somebody stands at a gate. It is asked anew at every click.
 *
 * Whoever decides is an approver of the project at least. A name in `by` means a role where it is the word for one, else a team of
 * the project's organization where there is one, else the person: who gives himself a team's name is not the team.
 */
export async function standingAt(db: Db | Trx, gate: Deciding, who: Decider | null): Promise<Standing> {
  if (gate.kind !== 'approve') return refused('nobody decides at this gate: it goes on by itself')
  if (!who) return refused('sign in to decide')
  const ground = await groundOfRun(db, gate.run_id)
  const role = ground ? roleIn(who.access, ground) : null
  if (!ground || !reaches(role, 'approver'))
    return refused(`deciding at gates needs the role approver, and yours is ${role ?? 'none'}`)
  const judged = await judgeDecider(db, gate.run_id, who)
  if (judged?.effect === 'deny') return refused(judged.words)
  if (!gate.author && (await isAuthor(db, gate.run_id, who)))
    return refused('who started this run, or wrote its commit, does not decide at this gate')
  const may: Standing = { refusal: null, warned: judged }
  if (gate.deciders.length === 0) return may
  const names = gate.deciders.filter((name) => !isRole(name))
  if (gate.deciders.some((name) => isRole(name) && reaches(role, name))) return may
  if (names.length > 0 && (await isNamed(db, who, { names, organization: ground.organization }))) return may
  return refused(`this gate is for ${gate.deciders.join(', ')}`)
}

/** What the policies of the organization say of somebody who decides about a run. */
async function judgeDecider(db: Db | Trx, run: RunId, who: Decider): Promise<Judged> {
  const place = await db
    .selectFrom('runs')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .select(['projects.id', 'projects.name as project', 'projects.organization_id', 'lanes.name as lane'])
    .where('runs.id', '=', run)
    .executeTakeFirstOrThrow()
  const ruled = await rulesFor(db, place.id)
  if (!ruled?.rules.some(({ approver }) => approver !== undefined)) return null
  const teams = await db
    .selectFrom('team_members')
    .innerJoin('teams', 'teams.id', 'team_members.team_id')
    .select('teams.name')
    .where('team_members.user_id', '=', who.id)
    .where('teams.organization_id', '=', place.organization_id)
    .execute()
  const ground = await groundOfRun(db, run)
  const role = ground ? roleIn(who.access, ground) : null
  const names = [
    `person:${who.name}`,
    ...teams.map(({ name }) => `team:${name}`),
    ...ROLES.filter((each) => reaches(role, each)).map((each) => `role:${each}`),
    ...((await isAuthor(db, run, who)) ? ['author'] : []),
  ]
  return judgeApprover(ruled.rules, names, place)
}

const isRole = (name: string): name is Role => ROLES.some((role) => role === name)

type Named = { readonly names: readonly string[]; readonly organization: OrganizationId }

async function isNamed(db: Db | Trx, who: Decider, { names, organization }: Named): Promise<boolean> {
  const teams = await db
    .selectFrom('teams')
    .leftJoin('team_members', (join) =>
      join.onRef('team_members.team_id', '=', 'teams.id').on('team_members.user_id', '=', who.id),
    )
    .select(['teams.name', 'team_members.user_id as member'])
    .where('teams.name', 'in', [...names])
    .where('teams.organization_id', '=', organization)
    .execute()
  return (
    teams.some(({ member }) => member !== null) ||
    (names.includes(who.name) && !teams.some(({ name }) => name === who.name))
  )
}

/** Who started it, and who stands as an author of a commit that it has. A commit's author is what its writer said: it only ever keeps somebody out. */
async function isAuthor(db: Db | Trx, run: RunId, who: Decider): Promise<boolean> {
  // who starts it by way of another pipeline's job is no other person for that
  const causes = await causesOf(db, run)
  if (causes.some((cause) => cause.by === who.id && (cause.run === run || cause.hops > 0))) return true
  const inputs = await db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .select('versions.body')
    .where('run_inputs.run_id', '=', run)
    .execute()
  const authors = inputs.flatMap(({ body }) =>
    'fields' in body ? [] : [body.author, body.pull?.author ?? ''].map((author) => author.toLowerCase()),
  )
  return authors.includes(who.name.toLowerCase())
}
