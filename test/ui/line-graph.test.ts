import { expect, test } from 'vitest'
import { layOut } from '../../ui/lib/line-graph.ts'
import { shapeOf } from '../../ui/lib/line-shape.ts'
import { addLine, type JobPlan, SHOP } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'
import { busyMs } from '../support/busy.ts'

const shop = () => layOut(shapeOf(addLine(new FakeWorld(), SHOP)))

test('a job stands to the right of everything it needs', () => {
  const { jobs, resources, links } = shop()
  const spots = new Map([...jobs, ...resources].map((spot) => [spot.key, spot]))
  for (const { from, to } of links) {
    const [left, right] = [spots.get(from), spots.get(to)]
    expect(left && right && left.x + left.width < right.x, `${from} before ${to}`).toBe(true)
  }
})

test('a job stands as far left as its needs allow', () => {
  const x = (name: string) => shop().jobs.find((spot) => spot.job.name === name)?.x
  expect(x('lint')).toBe(x('build'))
  expect(x('scan')).toBe(x('staging'))
})

test('no two nodes lie on one another', () => {
  const { jobs, resources } = shop()
  const spots = [...jobs, ...resources]
  for (const a of spots)
    for (const b of spots) {
      const apart =
        a === b ||
        a.x + a.width <= b.x ||
        b.x + b.width <= a.x ||
        a.y + a.height <= b.y ||
        b.y + b.height <= a.y
      expect(apart, `${a.key} and ${b.key}`).toBe(true)
    }
})

test('a resource that the needs bring along has no line of its own', () => {
  const plan = {
    project: 'p',
    name: 'n',
    jobs: [
      { name: 'a', gets: ['src'] },
      { name: 'b', needs: ['a'], gets: ['src'] },
    ],
  }
  expect(layOut(shapeOf(addLine(new FakeWorld(), plan))).links.map((link) => [link.from, link.to])).toEqual([
    ['resource:src', 'job:a'],
    ['job:a', 'job:b'],
  ])
})

const drawn = (jobs: readonly JobPlan[]) =>
  layOut(shapeOf(addLine(new FakeWorld(), { project: 'p', name: 'n', jobs })))
/** In the order of the drawing; `back` is drawn from right to left. */
const linksOf = (jobs: readonly JobPlan[]) =>
  drawn(jobs).links.map(
    ({ key, isBack, trigger }) => `${key}${isBack ? ' back' : ''}${trigger ? '' : ' loose'}`,
  )
const leftOf = (jobs: readonly JobPlan[]) => {
  const graph = drawn(jobs)
  return new Map([...graph.jobs, ...graph.resources].map(({ key, x, width }) => [key, x + width / 2]))
}

test('what is put stands behind those who put it and before those who get it', () => {
  const jobs = [
    { name: 'publish', puts: ['image'] },
    { name: 'scan', gets: ['image'] },
    { name: 'deploy', needs: ['scan'], gets: ['image'], puts: ['news'] },
  ]
  expect(linksOf(jobs)).toEqual([
    'resource:src→job:publish',
    'resource:image→job:scan',
    'job:scan→job:deploy',
    'job:publish→resource:image',
    'job:deploy→resource:news',
  ])
  const way = ['resource:src', 'job:publish', 'resource:image', 'job:scan', 'job:deploy', 'resource:news']
  const places = leftOf(jobs)
  expect([...places].toSorted(([, a], [, b]) => a - b).map(([key]) => key)).toEqual(way)
})

test.each([
  { loose: false, starts: 'resource:image→job:deploy' },
  { loose: true, starts: 'resource:image→job:deploy loose' },
])('a need is told by what the needed job puts, and starts as the need does: %o', ({ loose, starts }) => {
  const deploy = { name: 'deploy', needs: ['publish'], gets: ['image'], loose }
  expect(linksOf([{ name: 'publish', puts: ['image'] }, deploy])).toEqual([
    'resource:src→job:publish',
    starts,
    'job:publish→resource:image',
  ])
})

test('a put that closes a circle leads back, and moves nothing', () => {
  const chain = [{ name: 'test' }, { name: 'ship', needs: ['test'], gets: ['src', 'state'] }]
  const circle = [chain[0]!, { ...chain[1]!, puts: ['src', 'state'] }]
  expect(linksOf(circle)).toEqual([
    ...linksOf(chain),
    'job:ship→resource:src back',
    'job:ship→resource:state back',
  ])
  expect(leftOf(circle)).toEqual(leftOf(chain))
})

test('of two puts that make a circle together the later one leads back', () => {
  const jobs = [
    { name: 'a', gets: ['left'], puts: ['right'] },
    { name: 'b', gets: ['right'], puts: ['left'] },
  ]
  expect(linksOf(jobs).filter((link) => link.startsWith('job:'))).toEqual([
    'job:a→resource:right',
    'job:b→resource:left back',
  ])
})

test('a need of a job that is not there is left out', () => {
  const plan = { project: 'p', name: 'n', jobs: [{ name: 'b', needs: ['gone'], gets: ['src'] }] }
  expect(layOut(shapeOf(addLine(new FakeWorld(), plan))).jobs).toHaveLength(1)
})

test('a hundred jobs are laid out within a second of work', () => {
  const jobs = Array.from({ length: 100 }, (_, at) => ({
    name: `j${at}`,
    ...(at % 10 === 0 && { puts: [`r${at}`] }),
    ...(at > 3 && { needs: [`j${at - 4}`, `j${at - 2}`] }),
  }))
  const shape = shapeOf(addLine(new FakeWorld(), { project: 'p', name: 'n', jobs }))
  expect(busyMs(() => layOut(shape))).toBeLessThan(1_000)
})
