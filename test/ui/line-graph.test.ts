import { expect, test } from 'vitest'
import { layOut } from '../../ui/lib/line-graph.ts'
import { shapeOf } from '../../ui/lib/line-shape.ts'
import { addLine, SHOP } from './fake-stories.ts'
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

test('a need of a job that is not there is left out', () => {
  const plan = { project: 'p', name: 'n', jobs: [{ name: 'b', needs: ['gone'], gets: ['src'] }] }
  expect(layOut(shapeOf(addLine(new FakeWorld(), plan))).jobs).toHaveLength(1)
})

test('a hundred jobs are laid out within a second of work', () => {
  const jobs = Array.from({ length: 100 }, (_, at) => ({
    name: `j${at}`,
    ...(at > 3 && { needs: [`j${at - 4}`, `j${at - 2}`] }),
  }))
  const shape = shapeOf(addLine(new FakeWorld(), { project: 'p', name: 'n', jobs }))
  expect(busyMs(() => layOut(shape))).toBeLessThan(1_000)
})
