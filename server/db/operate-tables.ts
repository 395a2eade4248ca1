import type { Generated } from 'kysely'
import type { UserId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

export type OperateTables = {
  maintenance: { id: Generated<number>; since: Time; by: UserId | null; reason: string }
}
