import type { Ask, At } from './compile-ask.ts'
import { isImage, putIn } from './put-in.ts'

/** A value may hold anything, so that what an image's name became is looked at again. */
export function imageIn(ask: Ask, image: string | null, { values, where }: At): string | null {
  if (image === null) return null
  const put = ask(putIn(image, values, where))
  if (put === image || isImage(put)) return put
  return ask({
    impossible: `\`${where}\` became \`${put.slice(0, 200).toWellFormed()}\`, which is no image reference`,
  })
}
