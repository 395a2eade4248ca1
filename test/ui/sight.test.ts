import { expect, test } from 'vitest'
import { around, inSight, sightOf, stepsOf } from '../../ui/lib/sight.ts'

const spot = (key: string, x: number, y: number) => ({ key, x, y, width: 190, height: 80 })
const screen = { width: 1_000, height: 600, scale: 0.5 }

test('of a large drawing what is on the screen is drawn, and some around it', () => {
  const spots = [
    spot('here', 1_900, 1_100),
    spot('near', 3_000, 0),
    spot('far', 3_400, 0),
    spot('below', 0, 2_600),
  ]
  const sight = sightOf(stepsOf({ scrollLeft: 0, scrollTop: 0 }), screen)
  expect(inSight(spots, sight, 500).map(({ key }) => key)).toEqual(['here', 'near'])
  const later = sightOf(stepsOf({ scrollLeft: 2_000, scrollTop: 0 }), screen)
  expect(inSight(spots, later, 500).map(({ key }) => key)).toEqual(['far'])
})

test('a small drawing is drawn whole', () => {
  const sight = sightOf(stepsOf({ scrollLeft: 0, scrollTop: 0 }), screen)
  expect(inSight([spot('far', 99_000, 0)], sight, 1)).toHaveLength(1)
})

test('a link is in sight where the box around its ends is', () => {
  const sight = sightOf(stepsOf({ scrollLeft: 0, scrollTop: 0 }), screen)
  const [left, right] = [spot('left', -9_000, 10), spot('right', 9_000, 500)]
  expect(inSight([left, right, around(left, right)], sight, 500)).toEqual([
    { key: 'left right', x: -9_000, y: 10, width: 18_190, height: 570 },
  ])
})
