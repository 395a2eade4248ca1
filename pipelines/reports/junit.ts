import { legible, type ReportReader, Unreadable } from './unreadable.ts'
import { type Attributes, XmlReader } from './xml.ts'

export const TEST_STATES = ['passed', 'failed', 'skipped'] as const
export type TestState = (typeof TEST_STATES)[number]

/** One test as a report tells of it. */
export type TestCase = {
  readonly suite: string
  readonly name: string
  readonly state: TestState
  /** Null where the report does not say. */
  readonly durationMs: number | null
  /** One line of why it failed or was skipped; empty where nothing is said. */
  readonly message: string
  /** The whole of it: a stack, a comparison. */
  readonly details: string
  /** It failed first and passed when its own program tried again. */
  readonly flaky: boolean
}

const MOST_CASES = 50_000
const THE_SUITE: Attributes = { name: '(the suite itself)' }
const MOST = { name: 500, message: 1_000, details: 10_000 }

/**
 * Reads what the many programs write that call it JUnit's format. A test's suite is its class where one is named (that is what
 * stays the same when a suite is named after a machine or a moment), else the suite around it. An error is a failure: both are
 * the author's to mend.
 */
export class JunitReader implements ReportReader<TestCase[]> {
  readonly #cases: TestCase[] = []
  readonly #suites: string[] = []
  readonly #xml = new XmlReader({
    open: (name, attributes) => this.#open(name, attributes),
    text: (text) => this.#outcome?.hear(text),
    close: (name) => this.#close(name),
  })
  #root = true
  #draft: Draft | null = null
  #outcome: Outcome | null = null

  write(text: string): void {
    this.#xml.write(text)
  }

  end(): TestCase[] {
    this.#xml.end()
    return this.#cases
  }

  #open(name: string, attributes: Attributes): void {
    if (this.#root && name !== 'testsuites' && name !== 'testsuite')
      throw new Unreadable(`is no test report: it begins with <${name.slice(0, 40)}>, not with <testsuites>`)
    this.#root = false
    if (name === 'testsuite') this.#suites.push(attributes['name'] ?? '')
    else if (name === 'testcase') this.#begin(attributes)
    else if (isOutcome(name)) this.#hear(new Outcome(name, attributes))
  }

  /** What stands beside the tests is of the suite itself: it could not be set up, or be loaded at all. */
  #hear(outcome: Outcome): void {
    if (!this.#draft && !FAILURES.has(outcome.name)) return
    if (!this.#draft) this.#begin(THE_SUITE)
    this.#draft?.outcomes.push((this.#outcome = outcome))
  }

  #begin(attributes: Attributes): void {
    if (this.#cases.length >= MOST_CASES) throw new Unreadable(`tells of more than ${MOST_CASES} tests`)
    this.#draft = { attributes, outcomes: [] }
  }

  #close(name: string): void {
    if (name === 'testsuite') this.#suites.pop()
    else if (name === 'testcase' && this.#draft) {
      this.#cases.push(caseOf(this.#draft, this.#suites.at(-1) ?? ''))
      this.#draft = null
    } else if (isOutcome(name)) {
      this.#outcome = null
      if (this.#draft?.attributes === THE_SUITE) this.#close('testcase')
    }
  }
}

type Draft = { readonly attributes: Attributes; readonly outcomes: Outcome[] }

const FAILURES = new Set(['failure', 'error'])
/** As Maven's Surefire tells of what passed at a later try. */
const FLAKES = new Set(['flakyFailure', 'flakyError'])
const isOutcome = (name: string) => FAILURES.has(name) || FLAKES.has(name) || name === 'skipped'

/** What stands inside a test's element: why it failed, or was skipped. */
class Outcome {
  readonly name: string
  readonly message: string
  #text = ''

  constructor(name: string, attributes: Attributes) {
    this.name = name
    this.message = attributes['message'] ?? attributes['type'] ?? ''
  }

  get text(): string {
    return this.#text
  }

  hear(text: string): void {
    if (this.#text.length < MOST.details) this.#text += text.slice(0, MOST.details)
  }
}

function caseOf({ attributes, outcomes }: Draft, around: string): TestCase {
  const failures = outcomes.filter(({ name }) => FAILURES.has(name))
  const skipped = outcomes.find(({ name }) => name === 'skipped')
  const unrun = attributes['status'] === 'notrun' || attributes['status'] === 'disabled'
  const [told] = [...failures, ...(skipped ? [skipped] : []), ...outcomes]
  const text = (failures.length > 0 ? failures : told ? [told] : []).map((each) => each.text).join('\n')
  return {
    suite: legible(attributes['classname'] || around, MOST.name),
    name: legible(attributes['name'] || '(no name)', MOST.name),
    state: failures.length > 0 ? 'failed' : skipped || unrun ? 'skipped' : 'passed',
    durationMs: durationOf(attributes['time']),
    message: legible((told?.message || firstLine(text)).trim(), MOST.message),
    details: legible(text.trim(), MOST.details),
    flaky: failures.length === 0 && outcomes.some(({ name }) => FLAKES.has(name)),
  }
}

const firstLine = (text: string) => text.trim().split('\n', 1)[0] ?? ''

const LONGEST_MS = 1_000_000_000
/** Seconds, by some with signs between the thousands. */
function durationOf(time: string | undefined): number | null {
  const ms = Number((time ?? '').replaceAll(',', '') || Number.NaN) * 1_000
  return ms >= 0 && ms <= LONGEST_MS ? Math.round(ms * 1_000) / 1_000 : null
}
