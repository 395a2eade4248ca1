import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { drawMermaid, drawText } from '#pipelines/plan/draw.ts'
import { lineGraph } from '#pipelines/plan/layers.ts'

const line = (text: string) => lineGraph(parsePipeline(text).pipeline!)
const DIAMOND = `resources: { src: { git: . }, image: { registry: r/i, login: KEY } }
triggers: { push: main }
jobs:
  end: { image: b:1, needs: { lint: {}, unit: {}, build: { trigger: false } }, run: x }
  build: { image: b:1, get: { src: {}, image: { trigger: false } }, run: x }
  lint: { image: b:1, needs: build, run: x }
  unit: { image: b:1, needs: build, put: { image: { build: . } } }`

test('each job stands behind all it needs, whatever the order of the file', () => {
  expect(line(DIAMOND).layers).toEqual([['build'], ['lint', 'unit'], ['end']])
})

test('as text: what starts, what is handed on, what is put', () => {
  expect(drawText(line(DIAMOND))).toBe(
    [
      '  ○  src    git',
      '  ○  image  registry',
      '  1  build  ← src  ⇠ image',
      '  2  lint   ← build',
      '     unit   ← build  → image',
      '  3  end    ← lint, unit  ⇠ build',
    ].join('\n'),
  )
})

test('a job of another pipeline stands among the resources', () => {
  const text = drawText(
    line(
      'resources: { lib: { upstream: shop/main/publish } }\njobs: { a: { image: b:1, get: lib, run: x } }',
    ),
  )
  expect(text).toBe(['  ○  lib  upstream', '  1  a    ← lib'].join('\n'))
})

test('as Mermaid', () => {
  expect(
    drawMermaid(line('jobs: { a: { image: b:1, run: x }, end: { image: b:1, needs: a, run: x } }')),
  ).toBe(
    ['flowchart LR', '  r0(["src"])', '  j1["a"]', '  j2["end"]', '  r0 --> j1', '  j1 --> j2'].join('\n'),
  )
})

test('the full example is drawn without gaps', () => {
  const text = readFileSync(new URL('../../pipelines/examples/full-line.yml', import.meta.url), 'utf8')
  expect(line(text).layers.every((layer) => layer.length > 0)).toBe(true)
  expect(drawMermaid(line(text))).not.toContain('undefined')
})
