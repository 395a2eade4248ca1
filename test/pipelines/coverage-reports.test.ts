import { describe, expect, test } from 'vitest'
import { readReport } from '#pipelines/reports/read-report.ts'

function coverage(text: string) {
  const steps = readReport('coverage', Buffer.from(text))
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value.kind === 'coverage' ? value.files : []
  }
}

describe('coverage', () => {
  test('of LCOV counts each line and branch once, also of a file that is told of twice', () => {
    const text = `TN:
SF:/takt/work/src/a.ts
FN:1,main
FNDA:1,main
DA:1,5
DA:2,0
BRDA:1,0,0,1
BRDA:1,0,1,-
LF:2
LH:1
end_of_record
TN:other
SF:./src/a.ts
DA:2,3,checksum
DA:4,0
end_of_record
SF:src\\b.ts
end_of_record
`
    const expected = [
      { path: 'src/a.ts', lines: { found: 3, hit: 2 }, branches: { found: 2, hit: 1 } },
      { path: 'src/b.ts', lines: { found: 0, hit: 0 }, branches: { found: 0, hit: 0 } },
    ]
    expect(coverage(text)).toEqual(expected)
    expect(coverage(text.replaceAll('\n', '\r\n'))).toEqual(expected)
  })

  test('of LCOV knows branches by their line, block and number, in whichever record they are', () => {
    const record = (...branches: string[]) =>
      ['SF:a.ts', ...branches.map((each) => `BRDA:${each}`), 'end_of_record', ''].join('\n')
    const branchesOf = (...records: string[]) => coverage(records.join(''))[0]?.branches
    const [one, other] = [record('1,0,0,1', '1,0,1,0'), record('1,0,0,0', '1,0,1,2')]
    expect(branchesOf(one)).toEqual({ found: 2, hit: 1 })
    expect(branchesOf(one, one)).toEqual({ found: 2, hit: 1 })
    expect(branchesOf(one, other)).toEqual({ found: 2, hit: 2 })
    expect(branchesOf(one, record('1,1,0,1', '1,e2,i > 3, else,-'))).toEqual({ found: 4, hit: 2 })
    expect(branchesOf(record('1,0,0,1', '1,0,0,1'))).toEqual({ found: 1, hit: 1 })
  })

  test('of Cobertura counts the lines of a file, whichever class they are in', () => {
    const text = `<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>
<coverage line-rate="0.5"><sources><source>/takt/work</source></sources><packages><package name="shop"><classes>
  <class name="Cart" filename="shop/cart.py"><methods><method name="add"><lines><line number="1" hits="1"/></lines></method></methods>
    <lines><line number="1" hits="0"/><line number="2" hits="0" branch="true" condition-coverage="50% (1/2)"/></lines></class>
  <class name="Cart$Inner" filename="shop/cart.py"><lines><line number="9" hits="2"/></lines></class>
</classes></package></packages></coverage>`
    expect(coverage(text)).toEqual([
      { path: 'shop/cart.py', lines: { found: 3, hit: 2 }, branches: { found: 2, hit: 1 } },
    ])
  })
})
