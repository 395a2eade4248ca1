import { randomBytes } from 'node:crypto'

/** What the log says: as builds do, much of it again and again, or as little of it twice as text can. */
export const KINDS = ['repetitive', 'random'] as const
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
  const letter = (part: number) => LETTERS[Math.floor(x / part) % 64] ?? ''
  const word = () => {
    x = (x * FACTOR) % PRIME
    return letter(128) + letter(8_192) + letter(524_288) + letter(33_554_432)
  }
  const plain = {
    repetitive: (i: number) =>
      `line ${i}: compiled packages/app/src/module-${i}.ts in ${i % 97} ms, which is as long as it takes us`,
    random: () => Array.from({ length: WORDS_A_LINE }, word).join(''),
  }
  const lines = Array.from({ length: LINES_A_BLOCK }, (_, at) => {
    const i = at + 1
    return i % SECRET_EVERY === 0 ? secretLine(String(i), shown) : plain[kind](i)
  })
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}
