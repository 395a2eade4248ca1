import { sql } from 'kysely'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import { asksFirst, laneOfBranch, pullRefusal } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Trx } from '../db/connect.ts'
import { type Happening, NOTHING, placeIn, PLACES, WHERE, type Where } from './happening.ts'

type Asked = Extract<TaktEvent, { kind: 'pull.moved' }>
type Head = {
  readonly sha: string
  readonly title: string
  readonly author: string
  readonly base: string
  readonly lane_id: Parameters<typeof definitionOf>[1]
}

/**
 * The commit of a fork waits for somebody's word: the people of each pipeline that runs such commits are asked. It is no news from the
 * pull request, which tells nobody of itself, but a question about it.
 */
export async function ofPull(db: Trx, { project, number }: Asked): Promise<readonly Happening[]> {
  const { rows } = await sql<Head & Where>`
    select pull_heads.sha, pull_heads.title, pull_heads.author, pull_heads.base, lanes.id as lane_id, ${WHERE}
    from pull_heads join projects as whose on whose.id = pull_heads.project_id
      join repositories as theirs on theirs.id = whose.repository_id
      join pipelines as own on own.project_id = whose.id
      join lanes on lanes.pipeline_id = own.id ${PLACES}
    where whose.name = ${project} and pull_heads.number = ${number} and pull_heads.state = 'waiting'
      and lanes.kind = 'push'
    order by own.id`.execute(db)
  const asking: Happening[] = []
  for (const row of rows.filter(({ lane, default_branch }) => lane === laneOfBranch(default_branch)))
    if (await asks(db, row)) asking.push(questionIn(row, number))
  return asking
}

async function asks(db: Trx, { lane_id, base }: Head): Promise<boolean> {
  const triggers = (await definitionOf(db, lane_id))?.definition.triggers
  if (!triggers) return false
  const pull = { base, fork: true, draft: false, labels: triggers.pullRequest.labels }
  return pullRefusal(pull, triggers) === null && asksFirst(pull, triggers)
}

const questionIn = (row: Head & Where, number: number): Happening => ({
  ...placeIn(row),
  isPull: false,
  kinds: ['approval'],
  facts: {
    ...NOTHING,
    ...{ project: row.project, pipeline: row.pipeline, lane: `pr/${number}`, version: row.sha, url: '/' },
    words: `waits for somebody to look at ${row.sha.slice(0, 7)}, which ${row.author.slice(0, 100)} wrote in a fork,`,
    title: row.title.slice(0, 200),
  },
})
