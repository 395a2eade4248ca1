import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Problem } from '../problem.ts'

/** What one guess costs, by the advice of OWASP: 19 MiB, twice over. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const
const TAG_BYTES = 32
const SALT_BYTES = 16

const LEAST_LETTERS = 12
export const MOST_LETTERS = 200

const derive = promisify(argon2)
type Cost = { readonly memory: number; readonly passes: number; readonly parallelism: number }

/**
 * A password as it is kept: Argon2id in the field's own notation (PHC), with a salt of its own. Letters that look the same count
 * as the same (NFKC), whichever keyboard they come from.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await tagOf(password, { salt, cost: COST })
  const { memory, passes, parallelism } = COST
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${bare(salt)}$${bare(tag)}`
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,128})$/

/** Whether this is the password that was kept. A null costs as much as any other, so that nobody learns which accounts have one. */
export async function isPassword(password: string, phc: string | null): Promise<boolean> {
  const [, memory, passes, parallelism, salt = '', tag = ''] = PHC.exec(phc ?? (await nobodys())) ?? []
  const kept = Buffer.from(tag, 'base64')
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  if (kept.length === 0) throw new Error('a password is kept in a notation that is not known')
  const given = await tagOf(password, { salt: Buffer.from(salt, 'base64'), cost, bytes: kept.length })
  return timingSafeEqual(given, kept) && phc !== null
}

let made: Promise<string> | undefined
const nobodys = () => (made ??= hashPassword(randomBytes(32).toString('hex')))

const bare = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

type Dish = { readonly salt: Buffer; readonly cost: Cost; readonly bytes?: number }

const tagOf = (password: string, { salt, cost, bytes = TAG_BYTES }: Dish): Promise<Buffer> =>
  inTurn(() =>
    derive('argon2id', {
      message: password.slice(0, 4 * MOST_LETTERS).normalize('NFKC'),
      nonce: salt,
      tagLength: bytes,
      ...cost,
    }),
  )

/** Two at a time: they work on threads that files are read with, too, and a flood of guesses must not take them all. */
const SIDE_BY_SIDE = 2
let working = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (working >= SIDE_BY_SIDE) await new Promise<void>((resolve) => waiting.push(resolve))
  else working++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next)
      next() // takes over the place
    else working--
  }
}

/** @throws {Problem} `weak-password`, saying what a good one is. */
export function checkStrength(password: string, names: readonly string[]): void {
  const letters = [...password.normalize('NFKC')]
  const refuse = (why: string) => {
    throw new Problem(
      'weak-password',
      `${why}; four or five words that have nothing to do with each other are a good one`,
    )
  }
  if (letters.length < LEAST_LETTERS)
    refuse(`it has ${letters.length} letters, and ${LEAST_LETTERS} are the least`)
  if (letters.length > MOST_LETTERS)
    refuse(`it has ${letters.length} letters, and ${MOST_LETTERS} are the most`)
  if (new Set(letters).size < 5) refuse('it is made of fewer than five different letters')
  const plain = password.toLowerCase()
  const named = names.find((name) => name.length >= 4 && plain.includes(name.toLowerCase()))
  if (named !== undefined && plain.length - named.length < LEAST_LETTERS - 4)
    refuse(`it is little more than \`${named}\`, which everybody knows`)
}
