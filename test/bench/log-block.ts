import { randomBytes } from 'node:crypto'

/**
 * What the log says: one sentence with other numbers; what a large build says, with times, packages, paths and sums (a quarter of it is
 * left when it is packed); or as little of it twice as text can.
 */
export const KINDS = ['repetitive', 'build', 'random'] as const
export type Kind = (typeof KINDS)[number]

export const BLOCKS = 100
export const SECRET = `${randomBytes(12).toString('base64url')}/${randomBytes(12).toString('base64url')}`
const LINES_A_BLOCK = 10_000
/** Every so many lines, one of a block shows the secret. */
const SECRET_EVERY = 100
/** Park and Miller's random numbers: the same in any language that has 53 bits. */
const [FACTOR, PRIME] = [16_807, 2_147_483_647]
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'
const WORDS_A_LINE = 22

const PACKAGES =
  'checkout catalog billing search mail basket orders stock reports gateway login media prices queue audit export'
const PARTS =
  'model view route store query parse render schema client cache event format filter layout policy worker'
const VERBS = 'compiled checked bundled linted'
/** A line of a build each so many ms. */
const LINE_MS = 13

const secretLine = (number: string, shown: string) =>
  `line ${number}: the token is ${shown}, and nobody may see it on this line`

/** Make a file of a megabyte, secrets among its lines, with the least of tools … */
export const MAKE: Readonly<Record<Kind, string>> = {
  repetitive: [
    `i=0`,
    `while [ $i -lt ${LINES_A_BLOCK} ]; do`,
    `i=$((i+1))`,
    `if [ $((i % ${SECRET_EVERY})) -eq 0 ]; then echo "${secretLine('$i', '$TOKEN')}"`,
    `else echo "line $i: compiled packages/app/src/module-$i.ts in $((i % 97)) ms, which is as long as it takes us"; fi`,
    `done > /tmp/block`,
  ].join('\n'),
  build: [
    `awk 'BEGIN {`,
    `split("${PACKAGES}", packages, " "); split("${PARTS}", parts, " "); split("${VERBS}", verbs, " "); x = 1`,
    `for (i = 1; i <= ${LINES_A_BLOCK}; i++) {`,
    `x = (x * ${FACTOR}) % ${PRIME}; y = (x * ${FACTOR}) % ${PRIME}; z = (y * ${FACTOR}) % ${PRIME}`,
    `if (i % ${SECRET_EVERY} == 0) { x = z; print "${secretLine('" i "', '" ENVIRON["TOKEN"] "')}"; continue }`,
    `ms = i * ${LINE_MS} + x % ${LINE_MS}; package = packages[int(x / 128) % 16 + 1]`,
    `printf "09:%02d:%02d.%03d @shop/%s %s packages/%s/src/%s/%s-%d.ts in %d.%d ms (%d of 10000, %08x)\\n", int(ms / 60000), int(ms / 1000) % 60, ms % 1000, package, verbs[int(x / 8192) % 4 + 1], package, parts[int(y / 128) % 16 + 1], parts[int(y / 8192) % 16 + 1], int(y / 524288) % 40, int(z / 128) % 90, z % 10, i, z`,
    `x = z`,
    `} }' > /tmp/block`,
  ].join('\n'),
  random: [
    `awk 'BEGIN {`,
    `letters = "${LETTERS}"; x = 1`,
    `for (i = 1; i <= ${LINES_A_BLOCK}; i++) {`,
    `if (i % ${SECRET_EVERY} == 0) { print "${secretLine('" i "', '" ENVIRON["TOKEN"] "')}"; continue }`,
    `words = ""`,
    `for (w = 0; w < ${WORDS_A_LINE}; w++) {`,
    `x = (x * ${FACTOR}) % ${PRIME}`,
    `words = words substr(letters, int(x / 128) % 64 + 1, 1) substr(letters, int(x / 8192) % 64 + 1, 1)`,
    `words = words substr(letters, int(x / 524288) % 64 + 1, 1) substr(letters, int(x / 33554432) % 64 + 1, 1)`,
    `}`,
    `print words`,
    `} }' > /tmp/block`,
  ].join('\n'),
}
/** … then say it a hundred times. */
export const SAY = `i=0; while [ $i -lt ${BLOCKS} ]; do cat /tmp/block; i=$((i+1)); done`

/** The same block as the container makes it, with the secret as `shown`. */
export function block(kind: Kind, shown: string): Buffer {
  let x = 1
  const next = () => (x = (x * FACTOR) % PRIME)
  const letter = (part: number) => LETTERS[Math.floor(x / part) % 64] ?? ''
  const word = () => {
    next()
    return letter(128) + letter(8_192) + letter(524_288) + letter(33_554_432)
  }
  const plain = {
    repetitive: (i: number) =>
      `line ${i}: compiled packages/app/src/module-${i}.ts in ${i % 97} ms, which is as long as it takes us`,
    build: (i: number) => buildLine(i, [next(), next(), next()]),
    random: () => Array.from({ length: WORDS_A_LINE }, word).join(''),
  }
  const lines = Array.from({ length: LINES_A_BLOCK }, (_, at) => {
    const i = at + 1
    if (i % SECRET_EVERY > 0) return plain[kind](i)
    if (kind === 'build') plain.build(i)
    return secretLine(String(i), shown)
  })
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

function buildLine(i: number, [x, y, z]: readonly [number, number, number]): string {
  const ms = i * LINE_MS + (x % LINE_MS)
  const digits = (number: number, count: number) => String(Math.floor(number)).padStart(count, '0')
  const time = `09:${digits(ms / 60_000, 2)}:${digits((ms / 1_000) % 60, 2)}.${digits(ms % 1_000, 3)}`
  const one = (of: string, number: number) => of.split(' ')[Math.floor(number) % of.split(' ').length] ?? ''
  const name = one(PACKAGES, x / 128)
  const path = `packages/${name}/src/${one(PARTS, y / 128)}/${one(PARTS, y / 8_192)}-${Math.floor(y / 524_288) % 40}.ts`
  const took = `${Math.floor(z / 128) % 90}.${z % 10} ms (${i} of 10000, ${z.toString(16).padStart(8, '0')})`
  return `${time} @shop/${name} ${one(VERBS, x / 8_192)} ${path} in ${took}`
}
