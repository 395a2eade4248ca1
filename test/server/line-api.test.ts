import { describe, expect, test } from 'vitest'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { steeredLine as line } from '../support/steer.ts'

const CHAIN = `triggers: { push: ['**'] }
jobs:
  build: { run: x }
  test: { needs: build, run: x, matrix: { node: [20, 22] } }
`
const ASKS = `jobs:
  roll:
    get: { src: { trigger: false } }
    when: manual
    run: x
    inputs: { share: { number: { min: 5, max: 50 } }, zone: { choice: [east, west], default: east } }
`
const LINE = '/api/v1/projects/shop/pipelines/main'
type Line = Awaited<ReturnType<typeof line>>
const start = (it: Line, job: string, body: object) => it.house.ask(`POST ${LINE}/jobs/${job}/runs`, body)
/** A refusal in words, and its code. */
const refusal = (answer: { status: number; body: { code: string; detail: string } }) =>
  `${answer.status} ${answer.body.code}: ${answer.body.detail}`

test('the files of these tests are carried out', () => {
  for (const file of [CHAIN, ASKS]) expect(parseForRunning(file).diagnostics).toEqual([])
})

describe('a start by hand', () => {
  test('takes the versions that were chosen, by the beginnings of their names', async () => {
    await using it = await line(CHAIN)
    const first = await it.push()
    await it.push()
    const { status, body } = await start(it, 'build', { versions: { src: first } })
    expect(status).toBe(201)
    expect(body).toMatchObject({ job: 'build', state: 'queued', held: null, skip: null, start: 'settled' })
    expect(body.inputs[0].version.slice(0, 7)).toBe(first)
  })

  test('takes what the form asks for, as text, and shows it', async () => {
    await using it = await line(ASKS)
    await it.push()
    const { body } = await start(it, 'roll', { inputs: { share: 25 } })
    expect(body.given).toEqual({ share: '25', zone: 'east' })
    expect((await it.house.ask(`GET /api/v1/runs/${body.id}`)).body.given).toEqual(body.given)
  })

  const REFUSED: [what: string, said: object, words: RegExp][] = [
    ['a number that is too great', { inputs: { share: 80 } }, /^422 bad-input: .*share.*80 is above 50/],
    [
      'a choice that is none',
      { inputs: { share: 5, zone: 'wets' } },
      /zone.*none of east, west; did you mean `west`/,
    ],
    [
      'a field that is nearly right',
      { inputs: { shrae: 5 } },
      /shrae.*no such field; did you mean `share`.*share.*must be filled in/,
    ],
    ['nothing where something must be', {}, /^422 bad-input: .*share.*must be filled in/],
    ['a list', { inputs: { share: [1] } }, /^422 invalid-request: json: inputs.share/],
    [
      'a version that is not there',
      { versions: { src: 'ffff' }, inputs: { share: 5 } },
      /^404 version-not-found: .*ffff/,
    ],
    [
      'a resource that is no input',
      { versions: { image: 'ffff' }, inputs: { share: 5 } },
      /^404 version-not-found: `image` is no input/,
    ],
    ['a lane that is not there', { lane: 'nowhere' }, /^404 lane-not-found: there is no lane `nowhere`/],
  ]
  test('is refused with words where it cannot be, and starts nothing', async () => {
    await using it = await line(ASKS)
    await it.push()
    for (const [what, said, words] of REFUSED) {
      const answer = await start(it, 'roll', said)
      expect(refusal(answer), what).toMatch(words)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    }
    expect(await it.runs()).toEqual([])
  })
})

describe('a run is repeated', () => {
  test('with the same versions, or with the newest', async () => {
    await using it = await line(CHAIN)
    const first = await it.push()
    const run = await it.end('build', 'fail', 0)
    const second = await it.push()
    const again = async (body?: object) =>
      (await it.house.ask(`POST /api/v1/runs/${run}/retry`, body)).body.inputs[0].version.slice(0, 7)
    expect(await again()).toBe(first)
    expect(await again({})).toBe(first)
    expect(await again({ with: 'same' })).toBe(first)
    expect(await again({ with: 'newest' })).toBe(second)
    const wrong = await it.house.ask(`POST /api/v1/runs/${run}/retry`, { with: 'older' })
    expect(refusal(wrong)).toMatch(/^422 invalid-request: json: with/)
    expect(refusal(await it.house.ask('POST /api/v1/runs/999/retry', { with: 'newest' }))).toMatch(
      /^404 run-not-found/,
    )
  })

  test('where it stopped a version on its way: of a matrix the legs that failed', async () => {
    await using it = await line(CHAIN)
    const sha = await it.push()
    await it.end('build', 'succeed')
    const [one, other] = await it.runs('test')
    await it.endRun(one!.id, 'succeed')
    await it.endRun(other!.id, 'fail')
    const rerun = (version: string) => it.house.ask(`POST ${LINE}/rerun`, { lane: 'main', version })
    const { status, body } = await rerun(sha)
    expect(status).toBe(201)
    expect(body.items).toMatchObject([
      { job: 'test', retry_of: other!.id, matrix: other!.matrix, batch: one!.id },
    ])
    expect((await rerun(sha)).body.items).toEqual([])
    // A leg that is green leads to what failed beside it, and one that failed to itself.
    const around = async (run: number) => (await it.house.ask(`POST /api/v1/runs/${run}/rerun`)).body.items
    expect(await around(one!.id)).toEqual([])
    await it.endRun(body.items[0].id, 'fail')
    const [third] = await around(one!.id)
    expect(third).toMatchObject({ job: 'test', retry_of: body.items[0].id, matrix: other!.matrix })
    await it.endRun(third.id, 'fail')
    await it.push()
    await it.end('build', 'fail')
    expect(await around(third.id), 'what failed with another commit stays as it is').toHaveLength(1)
    expect(refusal(await it.house.ask('POST /api/v1/runs/999/rerun'))).toMatch(/^404 run-not-found/)
    expect(refusal(await rerun('ffff'))).toMatch(/^404 version-not-found/)
    expect(refusal(await it.house.ask(`POST ${LINE}/rerun`, { version: sha }))).toMatch(
      /^422 invalid-request: json: lane/,
    )
  })
})

describe('a version', () => {
  const versions = async (it: Line, query = '') =>
    (await it.house.ask(`GET ${LINE}/resources/src/versions${query}`)).body

  test('is listed newest first, page by page, with what was decided about it', async () => {
    await using it = await line(CHAIN)
    const shas = [await it.push(), await it.push({ 'docs/a.md': 'x' }), await it.push()]
    const page = await versions(it, '?limit=2')
    expect(page).toMatchObject({ resource: 'src', lane: 'main' })
    const rest = await versions(it, `?limit=2&after=${page.next}`)
    expect([...page.items, ...rest.items].map(({ name }) => name.slice(0, 7))).toEqual(shas.toReversed())
    expect(rest.next).toBeNull()
    expect(page.items[0]).toMatchObject({
      ...{ title: 'Change something', author: 'Ann', ref: 'refs/heads/main', used: true },
      ...{ forced: false, left: false, disabled: null, pinned: null },
    })
    expect(page.items[0].seq).toBeGreaterThan(page.items[1].seq)
    expect(page.items[1].changed).toBe(2)
  })

  test('is pinned and unpinned, and jobs take no other meanwhile', async () => {
    await using it = await line(CHAIN)
    const first = await it.push()
    const said = await it.house.ask(`PUT ${LINE}/resources/src/pin`, { version: first, reason: 'the fair' })
    expect(said.status).toBe(200)
    expect(said.body).toMatchObject({
      ...{ resource: 'src', lane: 'main', disabled: null },
      pinned: { by: 'admin', reason: 'the fair' },
    })
    await it.push()
    expect(await it.runs('build')).toHaveLength(1)
    const { waits, triggers } = (await it.house.ask(`GET ${LINE}/jobs/build/why`)).body
    expect(waits).toEqual([`src is pinned to ${first} by admin: the fair`])
    expect(triggers[0]).toMatchObject({ kind: 'version', edge: 'src', fate: 'no-run', run: null })
    expect((await versions(it)).items.map(({ pinned }: { pinned: unknown }) => pinned !== null)).toEqual([
      false,
      true,
    ])
    const gone = await it.house.ask(`DELETE ${LINE}/resources/src/pin`)
    expect(gone.body).toEqual({ resource: 'src', lane: 'main', unpinned: true })
    expect(await it.runs('build')).toHaveLength(2)
    expect((await it.house.ask(`DELETE ${LINE}/resources/src/pin?lane=main`)).body.unpinned).toBe(false)
  })

  test('starts no job that only a person starts, whatever is decided about it', async () => {
    await using it = await line(`jobs:
  build: { run: x }
  roll: { needs: { build: { trigger: false } }, run: x }
`)
    const sha = await it.push()
    await it.end('build', 'succeed')
    await it.house.ask(`PUT ${LINE}/resources/src/pin`, { version: sha, reason: 'x' })
    await it.house.ask(`DELETE ${LINE}/resources/src/pin`)
    await it.house.ask(`POST ${LINE}/resources/src/versions/${sha}/disable`, { reason: 'x' })
    await it.house.ask(`POST ${LINE}/resources/src/versions/${sha}/enable`)
    expect(await it.runs('roll')).toEqual([])
    expect(await it.triggers('roll')).toEqual([])
  })

  test('is disabled and enabled', async () => {
    await using it = await line(CHAIN)
    await it.push()
    const second = await it.push()
    const path = `${LINE}/resources/src/versions/${second}`
    const disabled = await it.house.ask(`POST ${path}/disable`, { reason: 'it deletes carts' })
    expect(disabled.body.disabled).toMatchObject({ by: 'admin', reason: 'it deletes carts' })
    expect((await versions(it)).items[0].disabled.reason).toBe('it deletes carts')
    expect((await it.house.ask(`POST ${path}/enable`)).body.disabled).toBeNull()
    expect((await it.house.ask(`POST ${path}/enable`, { lane: 'main' })).status).toBe(200)
  })

  const REFUSED: [what: string, request: string, body: object | undefined, words: RegExp][] = [
    [
      'a pin without a reason',
      `PUT ${LINE}/resources/src/pin`,
      { version: 'x', reason: ' ' },
      /^422 invalid-request: json: reason: say why/,
    ],
    [
      'a pin to nothing',
      `PUT ${LINE}/resources/src/pin`,
      { version: 'ffff', reason: 'x' },
      /^404 version-not-found/,
    ],
    [
      'a pin of nothing',
      `PUT ${LINE}/resources/img/pin`,
      { version: 'ffff', reason: 'x' },
      /^404 resource-not-found/,
    ],
    [
      'disabling without a reason',
      `POST ${LINE}/resources/src/versions/ffff/disable`,
      {},
      /^422 invalid-request: json: reason/,
    ],
    [
      'enabling what is not there',
      `POST ${LINE}/resources/src/versions/ffff/enable`,
      {},
      /^404 version-not-found/,
    ],
    ['the versions of nothing', `GET ${LINE}/resources/img/versions`, undefined, /^404 resource-not-found/],
    [
      'the versions of no lane',
      `GET ${LINE}/resources/src/versions?lane=x`,
      undefined,
      /^404 lane-not-found/,
    ],
    [
      'a trace of nothing',
      'GET /api/v1/projects/shop/trace?version=ffff',
      undefined,
      /^404 version-not-found/,
    ],
    [
      'a trace of too little',
      'GET /api/v1/projects/shop/trace?version=fff',
      undefined,
      /^422 invalid-request: query: version/,
    ],
    ['a trace nowhere', 'GET /api/v1/projects/none/trace?version=ffff', undefined, /^404 project-not-found/],
    ['a pause without a reason', `POST ${LINE}/jobs/build/pause`, {}, /^422 invalid-request: json: reason/],
    ['a pause of nothing', `POST ${LINE}/jobs/bild/pause`, { reason: 'x' }, /^404 job-not-found/],
    ['why nothing runs', `GET ${LINE}/jobs/bild/why`, undefined, /^404 job-not-found/],
    ['an explanation of nothing', 'GET /api/v1/runs/999/explain', undefined, /^404 run-not-found/],
  ]
  test('is not decided about, nor asked for, where there is none; and never without a reason', async () => {
    await using it = await line(CHAIN)
    await it.push()
    for (const [what, request, body, words] of REFUSED)
      expect(refusal(await it.house.ask(request, body)), what).toMatch(words)
  })
})

test('a commit is traced through the API', async () => {
  await using it = await line(CHAIN)
  const sha = await it.push()
  const build = await it.end('build', 'succeed')
  await it.quiet()
  const { body } = await it.house.ask(`GET /api/v1/projects/shop/trace?version=${sha}`)
  expect(body).toMatchObject({
    environments: [],
    lines: [
      {
        pipeline: 'main',
        lane: 'main',
        newest: true,
        jobs: [
          { job: 'build', run: { id: build } },
          { job: 'test', run: { state: 'queued' } },
        ],
      },
    ],
  })
})
