import { asRunner, packed, type Written } from './archives.ts'
import { leased } from './leased.ts'
import type { steeredLine } from './steer.ts'

/** Jobs and resources that remember. */
export const REMEMBERING = `resources:
  src: { git: . }
  settings: { params: { REGION: eu, SIZE: "1" } }
  tfstate: { state: {} }
jobs:
  build: { run: make }
  apply: { get: settings, run: x }
  plan: { get: { tfstate: { trigger: false }, src: {} }, when: manual, run: x }
  loud: { get: tfstate, run: x }
`
export const STATES = '/api/v1/projects/shop/pipelines/main/states'
type Line = Awaited<ReturnType<typeof steeredLine>>

/** A run of `build` leaves these files, and succeeds or fails. */
export async function leave(
  line: Line,
  files: Record<string, string> | readonly Written[],
  move: 'succeed' | 'fail' = 'succeed',
) {
  await line.push()
  let run = await leased(line)
  while (run.plan.job !== 'build') run = await leased(line)
  const body = await packed(files)
  const put = await asRunner(line.house, `PUT /runner/runs/${run.plan.run}/state`, { lease: run.lease, body })
  if (put.status === 201) await line.endRun(run.plan.run as never, move)
  return { ...put, run: run.plan.run }
}
/** Only where it is still this version. */
export const match = (version: number) => ({ headers: { 'if-match': `"${version}"` } })
export const edit = (line: Line, of: string, body: object, more = {}) =>
  line.house.ask(`PATCH ${STATES}/${of}`, { reason: 'to test', ...body }, more)
export const contentOf = async (line: Line, of: string, query: string) =>
  (await line.house.ask(`GET ${STATES}/${of}/content?${query}`)).body
