import { describe, expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'

const FILE = (body: string) => `resource_types: { odd: { image: "example.org/odd:1", source: ${body} } }
resources:
  src: { git: . }
  my: { type: odd, source: { deep: [${body}] }, version: { ref: 1.10, on: true } }
  image: { registry: "localhost:5000/shop" }
triggers: { push: main }
jobs:
  a:
    get: { src: {}, my: { params: ${body} } }
    env: { A: 1.10 }
    put: { my: ${body}, image: { build: ., tags: [1.10, true] } }
`
function read(body: string) {
  const { pipeline, diagnostics } = parsePipeline(FILE(body))
  if (!pipeline) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
  const [job] = pipeline.jobs
  const [, my] = pipeline.resources
  const [ours, image] = job!.steps
  return { pipeline, job: job!, my: my as { source: object; version: object }, ours, image }
}

describe('what an image of a custom type is told', () => {
  test.each([
    ['{ n: 3 }', { n: 3 }],
    ['{ n: -0.5 }', { n: -0.5 }],
    ['{ n: "3" }', { n: '3' }],
    ["{ n: '3' }", { n: '3' }],
    ['{ on: true, off: false }', { on: true, off: false }],
    ['{ on: "true", yes: yes }', { on: 'true', yes: 'yes' }],
    ['{ none: null, empty: ~ }', { none: null, empty: null }],
    ['{ big: 12345678901234567890 }', { big: '12345678901234567890' }],
    ['{ no: .nan, far: .inf }', { no: '.nan', far: '.inf' }],
    ['{ put: { my: [1, two] } }', { put: { my: [1, 'two'] } }],
  ])('%s is %o', (body, told) => {
    const { pipeline, my, job, ours } = read(body)
    expect(pipeline.resourceTypes[0]?.source).toEqual(told)
    expect(my.source).toEqual({ deep: [told] })
    expect(job.gets[1]?.params).toEqual(told)
    expect(ours).toMatchObject({ kind: 'put', params: told })
  })

  test('is typed nowhere else: versions, variables and tags are texts as they are written', () => {
    const { my, job, image } = read('{ n: 3 }')
    expect(my.version).toEqual({ ref: '1.10', on: 'true' })
    expect(job.env).toEqual({ A: '1.10' })
    expect(image).toMatchObject({ params: { build: '.', tags: ['1.10', 'true'] } })
  })
})

test('only what an image fetches is told anything by a get', () => {
  const { diagnostics } = parsePipeline(
    `resources: { src: { git: . } }\njobs: { a: { get: { src: { params: { a: 1 } } }, run: x } }\n`,
  )
  expect(diagnostics).toMatchObject([
    {
      rule: 'value',
      line: 2,
      message: '`src` takes no `params`: it is a git resource, and no image fetches it',
    },
  ])
})
