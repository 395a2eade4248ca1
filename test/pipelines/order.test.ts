import { expect, test } from 'vitest'
import { type Position, positionOf, positionWords, type Told } from '#pipelines/plan/order.ts'

const [OLD, HEAD] = ['a'.repeat(40), 'b'.repeat(40)]
const PLAIN: Told = { before: HEAD, head: HEAD, overtaken: false, wentOn: false, kinship: 'continues' }
const ASIDE = { before: OLD }
const GONE = { head: null, before: null }

test.each<[string, Partial<Told>, Position]>([
  ['the first push of a ref', { head: null, before: null, kinship: null }, 'newest'],
  ['a push onto the newest', {}, 'newest'],
  ['a push that goes on from the newest, with a gap', ASIDE, 'newest'],
  ['a push that goes on from the newest and says nothing of before', { before: null }, 'newest'],
  ['a push of what is newest', { kinship: 'same' }, 'known'],
  ['a push of what is newest, from elsewhere', { ...ASIDE, kinship: 'same' }, 'known'],
  ['a push back from the newest', { kinship: 'ancestor' }, 'back'],
  ['a push that led to the newest', { ...ASIDE, kinship: 'ancestor' }, 'late'],
  ['the push that began the ref, told later', { before: null, kinship: 'ancestor' }, 'late'],
  ['a push aside from the newest', { kinship: 'diverged' }, 'forced'],
  ['a push aside, with a gap', { ...ASIDE, kinship: 'diverged' }, 'forced'],
  ['a push aside that was itself pushed over', { ...ASIDE, wentOn: true, kinship: 'diverged' }, 'left'],
  ['a push that came back to where others went on', { wentOn: true, kinship: 'ancestor' }, 'back'],
  ['a push of which too little is known', { kinship: 'unknown' }, 'unsure'],
  ['one of which too little is known, pushed over', { ...ASIDE, wentOn: true, kinship: 'unknown' }, 'left'],
  ['a push looked at again', { before: OLD, overtaken: true, kinship: 'ancestor' }, 'late'],
  ['the newest looked at again', { before: OLD, overtaken: true, kinship: 'same' }, 'known'],
  ['an old push aside looked at again', { before: OLD, overtaken: true, kinship: 'diverged' }, 'left'],
  ['a push that failed when it came and follows the newest', { overtaken: true }, 'newest'],
  ['one like it, that was pushed over', { overtaken: true, wentOn: true }, 'left'],
  ['a new ref where one is gone', { ...GONE, kinship: 'diverged' }, 'forced'],
  ['a new ref where one is gone, at the same commit', { ...GONE, kinship: 'same' }, 'known'],
  ['a new ref where one is gone, further back', { ...GONE, wentOn: true, kinship: 'ancestor' }, 'back'],
  ['a push told after its ref is gone', { head: null, wentOn: true, kinship: 'ancestor' }, 'late'],
  ['a push looked at again after its ref is gone', { head: null, overtaken: true, kinship: 'same' }, 'late'],
  ['a push looked at again where nothing is known', { head: null, overtaken: true, kinship: null }, 'late'],
])('%s', (_, told, position) => expect(positionOf({ ...PLAIN, ...told })).toBe(position))

test('what did not simply go on is told in words', () => {
  expect(positionWords('newest', 0)).toBe('')
  expect(positionWords('forced', 3)).toBe(', force-push: 3 versions left behind')
  expect(positionWords('back', 1)).toBe(', moved back: 1 version left behind')
})
