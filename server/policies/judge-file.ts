import type { ProjectId } from '#pipelines/ids.ts'
import type { Diagnostic } from '#pipelines/language/diagnostic.ts'
import type { Parsed } from '#pipelines/language/parse.ts'
import { denials, judge, type Judgement } from '#pipelines/policy/judge.ts'
import { subjectsOf } from '#pipelines/policy/subjects.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { noteDenial } from './note-denial.ts'
import { hasPowers, powerfulImages } from './powerful.ts'
import { rulesFor } from './queries.ts'

type Project = { readonly id: ProjectId; readonly name: string }
type Judged = {
  readonly pipeline: string
  readonly lane: string
  readonly text: string
  readonly parsed: Parsed
}

/**
 * A file as the policies of its organization let it be: what they warn of stands among its diagnostics, and what they deny makes it
 * a bad one, so that the last good one stays in force.
 */
export async function judgeFile(
  tx: Tx,
  project: Project,
  { pipeline, lane, text, parsed }: Judged,
): Promise<Parsed> {
  const { parsed: judged, denied, organization } = await judgedFile(tx.db, project, { lane, text, parsed })
  if (organization !== null && denied.length > 0) {
    const target = `/projects/${project.name}/pipelines/${pipeline} on ${lane}`
    noteDenial(tx, { action: 'pipeline.sync', organization, project: project.name, target, denied })
  }
  return judged
}

/** The same for a file that nobody has pushed yet: no attempt at anything, and told to nobody else. */
export async function judgedFile(
  db: Db | Trx,
  project: Project,
  { lane, text, parsed }: Omit<Judged, 'pipeline'>,
) {
  const ruled = parsed.pipeline && (await rulesFor(db, project.id))
  if (!parsed.pipeline || !ruled) return { parsed, denied: [], organization: null }
  const powerful = hasPowers(lane) ? await powerfulImages(db, ruled.rules) : []
  const subjects = subjectsOf(parsed.pipeline, powerful)
  const judged = judge(ruled.rules, subjects, { project: project.name, lane })
  const denied = denials(judged)
  const diagnostics = [...parsed.diagnostics, ...judged.map((each) => diagnosticOf(each, text))]
  const pipeline = denied.length > 0 ? null : parsed.pipeline
  return { parsed: { pipeline, diagnostics }, denied, organization: ruled.organization }
}

/** Where the file says it first; its first line where it says it in other words. */
function diagnosticOf({ effect, value, words }: Judgement, text: string): Diagnostic {
  const at = Math.max(0, text.indexOf(value))
  const before = text.slice(0, at).split('\n')
  return {
    severity: effect === 'deny' ? 'error' : 'warning',
    rule: 'policy',
    message: words,
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    hint: effect === 'deny' ? 'choose another, or ask an admin of the organization for an exception' : '',
  }
}
