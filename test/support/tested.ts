import { type Hand, hand } from './hand.ts'
import { hostedProject } from './repository.ts'
import { startHouse } from './server.ts'
import { until } from './until.ts'

export type Results = Readonly<Record<string, 'p' | 'f' | 's'>>
const BODY = { p: '', f: '<failure message="no">deep\nstack</failure>', s: '<skipped/>' }
/** A test report of these results, by the tests' names. */
export const junit = (results: Results, seconds = 0.5): string =>
  `<testsuite name="unit">${Object.entries(results)
    .map(([name, letter]) => `<testcase name="${name}" time="${seconds}">${BODY[letter]}</testcase>`)
    .join('')}</testsuite>`
/** A coverage report: of each file how often its lines ran. */
export const lcov = (files: Readonly<Record<string, readonly number[]>>) =>
  Object.entries(files)
    .map(
      ([path, hits]) =>
        `SF:${path}\n${hits.map((hit, at) => `DA:${at + 1},${hit}\n`).join('')}end_of_record\n`,
    )
    .join('')

/** A line of one job, and a runner in the test's hands that carries out its runs one after the other. */
export async function tested(file = 'jobs: { test: { run: x } }') {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, 'shop'))
  const runner = stack.use(await hand(house))
  const send = (run: number, lease: string) => (kind: string, path: string, body: string | Uint8Array) =>
    house.ask(`POST /runner/runs/${run}/reports/${kind}?path=${encodeURIComponent(path)}`, body, {
      as: lease,
    })
  /** Take the run that is due, report, and end it. @returns Its number. */
  const pass = async (reports: (post: ReturnType<typeof send>) => Promise<unknown>) => {
    const given = await next(runner)
    await reports(send(given.plan.run, given.lease))
    const report = { run: given.plan.run, lease: given.lease }
    const entry = { kind: 'run.ended', move: 'succeed', error: null, exitCode: null }
    runner.say({ say: 'report', ...report, seq: 1, entry })
    await until(
      async () => (await house.ask(`GET /api/v1/runs/${given.plan.run}`)).body.state === 'succeeded',
    )
    return given.plan.run as number
  }
  let pushed = 0
  const push = () => clone.push({ '.takt.yml': file, count: String(pushed++) })
  const tests = async (run: number, query = '') =>
    (await house.ask(`GET /api/v1/runs/${run}/tests${query}`)).body
  return { house, clone, runner, send, pass, push, tests, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

async function next(runner: Hand) {
  const given = () => runner.heard.flatMap((said) => (said.say === 'work' ? [said] : []))
  const taken = given().length
  runner.say({ say: 'ready', slots: 1 })
  return until(() => given()[taken])
}
