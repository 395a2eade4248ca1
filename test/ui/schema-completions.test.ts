import { describe, expect, test } from 'vitest'
import { pipelineJsonSchema } from '#pipelines/language/json-schema.ts'
import { outlineOf, ownNames } from '../../ui/lib/pipeline-outline.ts'
import { completionsAt } from '../../ui/lib/schema-completions.ts'
import type { JsonSchema } from '../../ui/lib/schema-walk.ts'
import { columnBelow } from '../../ui/lib/yaml-lines.ts'
import { placeIn } from '../../ui/lib/yaml-place.ts'

// As it comes over the wire.
const schema: JsonSchema = JSON.parse(JSON.stringify(pipelineJsonSchema()))

/** The text, and where in it the cursor `‸` stands. */
const cut = (marked: string): [string, number] => [marked.replace('‸', ''), marked.indexOf('‸')]
const place = (marked: string) => placeIn(...cut(marked))
const where = (marked: string) =>
  place(marked)
    ?.path.map((step) => step ?? '-')
    .join(' ') ?? null

function complete(marked: string) {
  const [text, offset] = cut(marked)
  const names = ownNames(text, { jobs: [], resources: [] })
  return completionsAt(text, offset, { schema, names })?.items ?? []
}
const labels = (marked: string) => complete(marked).map(({ label }) => label)
const inserted = (marked: string, label: string) =>
  complete(marked).find((one) => one.label === label)?.insert

describe('where somebody writes', () => {
  test.each([
    ['an empty file', '‸', ''],
    ['a key at the root', 'jo‸', ''],
    ['a blank line in a job', 'jobs:\n  test:\n    image: node\n    ‸', 'jobs test'],
    ['a blank line of a section', 'jobs:\n  test:\n    image: node\n  ‸', 'jobs'],
    ['a value', 'jobs:\n  test:\n    start: ‸', 'jobs test start'],
    ['an item', 'jobs:\n  a:\n    needs:\n      - ‸', 'jobs a needs -'],
    ['an item that is not indented', 'jobs:\n  a:\n    needs:\n    - x\n    - ‸', 'jobs a needs -'],
    ['a key of an item', 'jobs:\n  a:\n    steps:\n      - name: x\n        ‸', 'jobs a steps -'],
    [
      'a value in an item',
      'jobs:\n  a:\n    steps:\n      - name: x\n        timeout: 1‸',
      'jobs a steps - timeout',
    ],
    ['a list in brackets', 'jobs:\n  a:\n    needs: [b, ‸', 'jobs a needs -'],
    ['a mapping in braces', 'resources:\n  src: { git: ., ‸ }', 'resources src'],
    ['a value in braces', 'resources:\n  n: { time: "0 3 * * *", misfire: ‸ }', 'resources n misfire'],
    ['braces over lines', 'resources:\n  src: {\n    git: .,\n    ‸', 'resources src'],
    ['braces in brackets', 'jobs:\n  a:\n    steps: [{ run: x }, { ‸', 'jobs a steps -'],
    ['below a bracket that nobody closed', 'jobs:\n  a:\n    needs: [b\n  b:\n    ‸', 'jobs b'],
    ['below a text', 'jobs:\n  a:\n    run: |\n      needs: [x\n    ‸', 'jobs a'],
    ['behind a comment line', 'jobs:\n  a:\n    image: x\n# note: this\n    ‸', 'jobs a'],
    ['behind quoted keys', 'jobs:\n  "a":\n    ‸', 'jobs a'],
  ])('is known in %s', (_, marked, path) => expect(where(marked)).toBe(path))

  test.each([
    ['a comment', 'jobs: # now‸'],
    ['a text of several lines', 'jobs:\n  a:\n    run: |\n      echo ‸'],
    ['a blank line of such a text', 'jobs:\n  a:\n    run: |\n      echo\n\n      ‸'],
    ['what is deeper than a whole value', 'jobs:\n  a:\n    image: x\n      ‸'],
    ['the colon', 'jobs:\n  a:\n    needs:‸'],
  ])('is nowhere in %s', (_, marked) => expect(place(marked)).toBeNull())

  test('says what stands there already, above and below', () => {
    const found = place('jobs:\n  a:\n    image: x\n    ne‸\n    run: y\n  b:\n    keep: z\n')
    expect(found).toMatchObject({ typed: 'ne', siblings: ['image', 'run'], column: 4 })
    const [text, offset] = cut('resources:\n  src: { git: ., bra‸')
    expect(placeIn(text, offset)).toMatchObject({ typed: 'bra', siblings: ['git'], from: offset - 3 })
  })
})

describe('completion', () => {
  test('offers the keys that a mapping does not have yet, each with its sentence', () => {
    const keys = complete('jobs:\n  test:\n    image: node:22\n    ‸\n    run: npm test\n')
    expect(keys.find(({ label }) => label === 'needs')).toMatchObject({
      kind: 'key',
      insert: 'needs: ',
      description: 'Jobs that must have turned the same versions green',
    })
    const shown = keys.map(({ label }) => label)
    expect(shown).not.toContain('image')
    expect(shown).not.toContain('run')
  })

  test('goes on where the value of a key has to be: beside it, below it, or in a list', () => {
    expect(inserted('‸', 'jobs')).toBe('jobs:\n  ')
    expect(inserted('jobs:\n  a:\n    ‸', 'limits')).toBe('limits:\n      ')
    expect(inserted('jobs:\n  a:\n    ‸', 'steps')).toBe('steps:\n      - ')
    expect(inserted('jobs:\n  a:\n    ‸: [b]', 'needs')).toBe('needs')
  })

  test('keeps to the kind of resource that was begun', () => {
    expect(labels('resources:\n  n: { time: "1 2 * * *", ‸ }')).toEqual(
      expect.arrayContaining(['timezone', 'misfire', 'overlap']),
    )
    expect(labels('resources:\n  n: { time: "1 2 * * *", ‸ }')).not.toContain('branch')
    expect(complete('resources:\n  n:\n    ‸').filter((one) => one.isRequired).length).toBeGreaterThan(4)
  })

  test('offers the values that a key may have', () => {
    expect(labels('jobs:\n  a:\n    start: ‸')).toEqual(['settled', 'strict', 'chrono', 'immediate'])
    expect(labels('jobs:\n  a:\n    when: [push, ‸')).toContain('tag')
    expect(labels('jobs:\n  a:\n    allow_failure: ‸')).toEqual(['true', 'false'])
  })

  test('offers the file’s own jobs and resources where they are named, and no job to itself', () => {
    const file = 'resources:\n  infra: { git: . }\njobs:\n  a: { run: x }\n  b:\n'
    expect(labels(`${file}    needs: ‸`)).toEqual(['a'])
    expect(labels(`${file}    get: [‸`)).toEqual(['infra'])
    expect(labels(`${file}    needs: { ‸`)).toEqual(['a'])
    expect(inserted(`${file}    needs:\n      ‸`, 'a')).toBe('- a')
    expect(labels(`${file}    steps:\n      - put: ‸`)).toContain('infra')
    expect(labels(`${file}    env:\n      get: ‸`)).toEqual([])
    expect(labels('jobs:\n  a:\n    get: ‸')).toEqual(['src'])
  })

  test('goes down into steps, however deep', () => {
    expect(labels('jobs:\n  a:\n    steps:\n      - parallel:\n          - ‸')).toEqual(
      expect.arrayContaining(['run', 'wait', 'name']),
    )
  })

  test('says nothing where people choose the words', () => {
    expect(labels('jobs:\n  ‸')).toEqual([])
    expect(labels('jobs:\n  a:\n    image: ‸')).toEqual([])
    expect(labels('nonsense:\n  ‸')).toEqual([])
  })
})

test('a job is found by its name, whatever else is called so', () => {
  const text =
    'resources:\n  test: { git: . }\njobs:\n  # first\n  lint: { run: x }\n  test:\n    needs: lint\n'
  expect(outlineOf(text).filter(({ name }) => name === 'test')).toEqual([
    { section: 'resources', name: 'test', line: 2, column: 3 },
    { section: 'jobs', name: 'test', line: 6, column: 3 },
  ])
})

test.each([
  ['  test:', 4],
  ['  test: # quick', 4],
  ['    run: |', 6],
  ['    image: node:22', 4],
  ['      - name: x', 8],
  ['      - ', 8],
  ['      - npm ci', 6],
  ['', 0],
])('below `%s` somebody goes on at column %d', (line, column) => expect(columnBelow(line)).toBe(column))
