import { error, type Finding, type Path, valueAt } from '../diagnostic.ts'
import { piecesOf } from '../expression/interpolate.ts'
import { NOTICE_VALUES } from '../notice-words.ts'
import type { Notice } from '../pipeline.ts'
import { childOf } from '../schema-walk.ts'
import { hintFor } from '../suggest.ts'
import { outsideJobs, textsOf } from './values.ts'
import { placeOf, type World } from './world.ts'

/** Who is told of what: at addresses that there can be, in words that are known. */
export function notices(world: World): Finding[] {
  const texts = textsOf(childOf(world.tree, 'notify'), ['notify'])
  const isTemplate = ({ path }: { path: Path }) => path.at(-1) === 'text'
  return [
    ...texts.filter(isTemplate).flatMap(inTemplate),
    ...texts.filter((text) => !isTemplate(text)).flatMap(outsideJobs),
    ...world.pipeline.notify.flatMap((notice) => inNotice(world, notice)),
  ]
}

function inTemplate({ text, path }: { readonly text: string; readonly path: Path }): Finding[] {
  return piecesOf(text).flatMap((piece) => {
    if (piece.kind === 'text') return []
    const name = piece.kind === 'value' ? piece.name : ''
    if (NOTICE_VALUES.includes(name)) return []
    const message = `\`${piece.written}\` is nothing that a notice knows`
    return [error('interpolation', valueAt(...path), message, hintFor(name, NOTICE_VALUES))]
  })
}

const MAIL = /^[^\s@<>"',;:()[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}$/
const isWeb = (to: string) => /^https?:\/\/[^\s]{1,2000}$/.test(to)

function inNotice(world: World, notice: Notice): Finding[] {
  const { path } = placeOf(world, notice)
  const written = path.reduce<unknown>(childOf, world.tree)
  const several = Array.isArray(childOf(written, 'to'))
  const places = notice.to.flatMap((to, index) => {
    const problem = addressProblem(notice.channel, to)
    const at = valueAt(...path, 'to', ...(several ? [index] : []))
    return problem === null ? [] : [error('value', at, problem)]
  })
  if (notice.to.length === 0 && notice.channel !== 'slack')
    places.push(error('value', valueAt(...path), `\`${notice.channel}\` says with \`to\` where it goes`))
  if (notice.channel === 'email' && notice.login !== null) {
    const words = 'mail goes by the server’s own TAKT_SMTP_URL: it has no `login`'
    places.push(error('conflict', valueAt(...path, 'login'), words))
  }
  return places
}

function addressProblem(channel: Notice['channel'], to: string): string | null {
  if (/\$\(/.test(to)) return null // told in the words for values
  if (channel === 'email')
    return MAIL.test(to) ? null : `\`${to}\` is no mail address such as team@example.org`
  if (channel === 'webhook')
    return isWeb(to) ? null : `\`${to}\` is no address such as https://example.org/hook`
  return isWeb(to) || /^[#@]?[^\s#@/:]{1,80}$/.test(to)
    ? null
    : `\`${to}\` is neither a channel such as #builds nor an address that begins with https://`
}
