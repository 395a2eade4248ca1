import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Report, type ReportKind, readReport } from '#pipelines/reports/read-report.ts'
import { MOST_REPORT_BYTES, Unreadable } from '#pipelines/reports/unreadable.ts'
import { busyMs } from '../support/busy.ts'

function read(kind: ReportKind, text: string | Uint8Array): Report {
  const steps = readReport(kind, typeof text === 'string' ? Buffer.from(text) : text)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
function junit(text: string | Uint8Array) {
  const report = read('junit', text)
  return report.kind === 'junit' ? report.cases : []
}

describe('a test report', () => {
  const surefire = `<?xml version="1.0" encoding="UTF-8"?>
    <testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="shop.CartTest" tests="4">
      <properties><property name="java.version" value="21"/></properties>
      <testcase name="adds" classname="shop.CartTest" time="0.012"/>
      <testcase name="removes" classname="shop.CartTest" time="1,234.5">
        <failure message="expected:&lt;1&gt; but was:&lt;2&gt;" type="AssertionError"><![CDATA[at Cart.java:7
at Main.java:1]]></failure>
        <system-out>much ado</system-out>
      </testcase>
      <testcase name="pays" classname="shop.CartTest"><error type="NullPointerException">no bank</error></testcase>
      <testcase name="ships" classname="shop.CartTest" time="0"><skipped message="no truck"/></testcase>
      <testcase name="wobbles" classname="shop.CartTest"><flakyFailure message="late">once</flakyFailure></testcase>
    </testsuite>`
  test('of Surefire is understood', () => {
    const none = { message: '', details: '', flaky: false }
    const suite = 'shop.CartTest'
    expect(junit(surefire)).toEqual([
      { suite, name: 'adds', state: 'passed', durationMs: 12, ...none },
      {
        suite,
        name: 'removes',
        state: 'failed',
        durationMs: 1_234_500,
        message: 'expected:<1> but was:<2>',
        details: 'at Cart.java:7\nat Main.java:1',
        flaky: false,
      },
      {
        ...none,
        suite,
        name: 'pays',
        state: 'failed',
        durationMs: null,
        message: 'NullPointerException',
        details: 'no bank',
      },
      { ...none, suite, name: 'ships', state: 'skipped', durationMs: 0, message: 'no truck' },
      {
        suite,
        name: 'wobbles',
        state: 'passed',
        durationMs: null,
        message: 'late',
        details: 'once',
        flaky: true,
      },
    ])
  })

  test.each<[string, string, object[]]>([
    [
      'names its suite where no class is named (Go, Bats)',
      '<testsuites><testsuite name="outer"><testsuite name="shop/cart"><testcase name="TestAdd"/></testsuite><testcase name="b"/></testsuite></testsuites>',
      [
        { suite: 'shop/cart', name: 'TestAdd' },
        { suite: 'outer', name: 'b' },
      ],
    ],
    [
      'may have a test that was not run (GoogleTest)',
      '<testsuites><testsuite name="s"><testcase name="a" status="notrun"/></testsuite></testsuites>',
      [{ state: 'skipped' }],
    ],
    ['may be empty', '<testsuites/>', []],
    [
      'may begin with a document type, which nobody looks at',
      '<!DOCTYPE testsuite SYSTEM "http://example.test/junit.dtd"><testsuite name="s"><testcase name="a"/></testsuite>',
      [{ name: 'a' }],
    ],
    [
      'may hold colours and other control characters',
      '<testsuite name="s"><testcase name="a"><failure>\u001b[31mred\u001b[0m\u0000</failure></testcase></testsuite>',
      [{ details: '\ufffd[31mred\ufffd[0m\ufffd' }],
    ],
    [
      'takes a failure for the end of a test, also when it was skipped besides',
      '<testsuite name="s"><testcase name="a"><skipped/><failure message="m"/></testcase></testsuite>',
      [{ state: 'failed', message: 'm' }],
    ],
    [
      'takes its first line for the message where none is given',
      '<testsuite name="s"><testcase name="a" time="-1"><failure>\n  Boom\n at x</failure></testcase></testsuite>',
      [{ message: 'Boom', durationMs: null }],
    ],
  ])('%s', (_, text, cases) => expect(junit(text)).toMatchObject(cases))

  test('in another encoding is read in that one', () => {
    const text = '<testsuite name="s"><testcase name="größer"/></testsuite>'
    const latin = Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${text}`, 'latin1')
    const utf16 = Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${text}`, 'utf16le')
    const marked = Buffer.from(`\ufeff${text}`)
    const lying = Buffer.from(`<?xml version="1.0" encoding="UTF-16"?>${text}`)
    for (const bytes of [latin, utf16, utf16.swap16.call(Buffer.from(utf16)), marked, lying])
      expect(junit(bytes)).toMatchObject([{ name: 'größer' }])
    const broken = Buffer.from(text.replace('ö', '\xf6'), 'latin1')
    expect(junit(broken)).toMatchObject([{ name: expect.stringMatching(/^gr\ufffd/) }])
  })

  test('tells of a suite that could not be set up, as of a test that failed', () => {
    const text =
      '<testsuite name="db"><error message="no port">at 7</error><testcase name="a"><skipped/></testcase></testsuite>'
    expect(junit(text)).toMatchObject([
      { suite: 'db', name: '(the suite itself)', state: 'failed', message: 'no port', details: 'at 7' },
      { suite: 'db', name: 'a', state: 'skipped' },
    ])
  })

  test('with megabytes of output is read, and what is kept of it is short', () => {
    const noise = 'all work and no play\n'.repeat(400_000)
    const long = 'n'.repeat(100_000)
    const text = `<testsuite name="s"><testcase name="${long}"><failure message="${long}">${noise}</failure></testcase><system-out>${noise.slice(0, 7_000_000)}</system-out></testsuite>`
    expect(text.length).toBeLessThan(MOST_REPORT_BYTES)
    const [only] = junit(text)
    const { name, message, details } = only!
    expect([name.length, message.length]).toEqual([500, 1_000])
    expect(details.length).toBeLessThanOrEqual(10_000)
  })
})

/** Lines that each name the one before ten times. */
const laughs = Array.from({ length: 10 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join(
  '',
)

describe('a report is refused in words, at once, and nothing is fetched or expanded, when it', () => {
  test.each<[string, ReportKind, string | Uint8Array, RegExp]>([
    [
      'laughs a billion times',
      'junit',
      `<!DOCTYPE testsuites [<!ENTITY l0 "ha">${laughs}]><testsuites>&l10;</testsuites>`,
      /entit/,
    ],
    [
      'asks for a file',
      'junit',
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuites>&x;</testsuites>',
      /entit/,
    ],
    [
      'asks for an address',
      'coverage',
      '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]><coverage/>',
      /entit/,
    ],
    [
      'hides what it declares',
      'junit',
      '<!DOCTYPE a [<!-- > --><!ENTITY x "y">]><testsuites>&x;</testsuites>',
      /entit/,
    ],
    ['uses an entity of nobody', 'junit', '<testsuites>&nbsp;</testsuites>', /entity/],
    ['is nested without end', 'junit', `<testsuites>${'<testsuite>'.repeat(100_000)}`, /deep/],
    [
      'has elements without end',
      'junit',
      `<testsuites>${'<a/>'.repeat(1_000_001)}</testsuites>`,
      /1000000 elements/,
    ],
    [
      'has tests without end',
      'junit',
      `<testsuite>${'<testcase name="a"/>'.repeat(50_001)}</testsuite>`,
      /50000 tests/,
    ],
    [
      'has attributes without end',
      'junit',
      `<testsuite ${Array.from({ length: 200_000 }, (_, at) => `a${at}=""`).join(' ')}/>`,
      /attributes/,
    ],
    ['says an attribute twice', 'junit', '<testsuite name="a" name="b"/>', /line 1/],
    ['is larger than one may be', 'junit', Buffer.alloc(MOST_REPORT_BYTES + 1, 'x'), /16 MiB/],
    ['is in no encoding', 'junit', '<?xml version="1.0" encoding="klingon"?><testsuites/>', /klingon/],
    ['is another document', 'junit', '<html><body/></html>', /<html>/],
    ['is no XML', 'junit', 'ok 1 - adds', /line 1/],
    ['ends before its end', 'junit', '<testsuites><testsuite>', /line 1/],
    ['is empty', 'junit', '', /root/],
    ['is no coverage', 'coverage', '<testsuites/>', /<coverage>/],
    [
      'is Clover’s',
      'coverage',
      '<coverage clover="3.2.0"><project><file name="a.php"/></project></coverage>',
      /Clover/,
    ],
    ['is no LCOV', 'coverage', 'TN:\nhello there\n', /line 2/],
    ['is an empty LCOV', 'coverage', '', /no records/],
    ['ends within a record', 'coverage', 'SF:a.ts\nDA:1,1\n', /end_of_record/],
    [
      'begins a file within the record of another',
      'coverage',
      'SF:a.ts\nDA:1,1\nBRDA:1,0,0,1\nSF:b.ts\nDA:1,1\nend_of_record\n',
      /line 4 begins a file, and the record before it has no `end_of_record`/,
    ],
    ['has lines of no file', 'coverage', 'DA:1,1\n', /line 1/],
    ['has a line without end', 'coverage', `SF:${'a'.repeat(200_000)}`, /too long/],
    [
      'has files without end',
      'coverage',
      Array.from({ length: 20_001 }, (_, at) => `SF:${at}\nend_of_record\n`).join(''),
      /20000 files/,
    ],
    ['is binary', 'coverage', Buffer.from([1, 2, 3, 255, 254, 0, 10, 7]), /LCOV|line/],
  ])('%s', (_, kind, text, words) => {
    const tookMs = busyMs(() => {
      expect(() => read(kind, text)).toThrow(Unreadable)
      expect(() => read(kind, text)).toThrow(words)
    })
    expect(tookMs).toBeLessThan(10_000)
  })

  test('is any rubbish: it ends with what it says, or with words', () => {
    const word = fc.constantFrom(
      '<testsuite',
      '<testcase',
      ' name="',
      '"',
      '/>',
      '>',
      '</testcase>',
      '<![CDATA[',
      ']]>',
      '<!--',
      '&#x0;',
      '&amp;',
      '<!DOCTYPE',
      'SF:',
      'DA:1,',
      '\n',
      'end_of_record\n',
      '<?xml',
      '\0',
      '\ud800',
    )
    const rubbish = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
    )
    fc.assert(
      fc.property(fc.constantFrom<ReportKind>('junit', 'coverage'), rubbish, (kind, text) => {
        try {
          expect(read(kind, text).kind).toBe(kind)
        } catch (error) {
          expect(error).toBeInstanceOf(Unreadable)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
