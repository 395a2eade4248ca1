import type { ImagePut } from '../../runner/resources/image/put.ts'
import { TEST_IMAGE } from './test-image.ts'

export const BUILD = { context: '.', dockerfile: 'Dockerfile', target: null, args: {}, platforms: [] }

let count = 0

/** A put into a repository of its own; `changes` says what is different about it. */
export const imagePut = (host: string, changes: Partial<ImagePut> = {}): ImagePut => ({
  kind: 'image',
  resource: 'image',
  repository: `${host}/acme/shop-${++count}`,
  build: BUILD,
  image: null,
  tags: ['one'],
  credential: null,
  ...changes,
})

/** A Dockerfile on top of the image of the tests. */
export const dockerfile = (...lines: string[]) => [`FROM ${TEST_IMAGE}`, ...lines, ''].join('\n')
