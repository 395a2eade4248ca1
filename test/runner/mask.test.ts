import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Finder } from '../../runner/finder.ts'
import { Mask } from '../../runner/mask.ts'
import { secretTexts } from '../../runner/secret-texts.ts'
import { spellings } from '../../runner/spellings.ts'
import { checkoutOf, NO_HOOKS, planOf, runStep } from './plans.ts'

/** What a mask must give, worked out on the whole text by trying every needle at every byte. */
function oracle(text: Buffer, secrets: readonly string[]): string {
  const hidden = new Uint8Array(text.length)
  for (const needle of spellings(secrets))
    for (let at = 0; at + needle.length <= text.length; at++)
      if (text.subarray(at, at + needle.length).equals(needle)) hidden.fill(1, at, at + needle.length)
  let shown = ''
  for (let at = 0; at < text.length; at++) {
    if (!hidden[at]) shown += String.fromCharCode(text[at]!)
    else if (!hidden[at - 1]) shown += '***'
  }
  return shown
}

function masked(text: Buffer, secrets: readonly string[], cuts: readonly number[] = []): string {
  const mask = new Mask(secrets)
  const parts: Uint8Array[] = []
  let from = 0
  for (const cut of [...cuts.toSorted((a, b) => a - b), text.length]) {
    const to = Math.min(cut, text.length)
    parts.push(Buffer.from(mask.push(text.subarray(from, to))))
    from = to
  }
  return Buffer.concat([...parts, mask.end()]).toString('latin1')
}

/** Few letters, so that secrets overlap, repeat, and begin where another ends. */
const secret = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 9 }),
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\n', ' ', "'", '/'), minLength: 4, maxLength: 30 }),
)
const story = fc.array(secret, { minLength: 1, maxLength: 4 }).chain((secrets) =>
  fc.record({
    secrets: fc.constant(secrets),
    words: fc.array(
      fc.oneof(
        fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\n', ' ', "'", '/', '%', '\\') }),
        fc.constantFrom(...secrets, ...spellings(secrets).map((each) => each.toString('latin1'))),
        fc.constantFrom(...secrets.map((each) => each.slice(1)), ...secrets.map((each) => each.slice(0, -1))),
      ),
      { maxLength: 12 },
    ),
    cuts: fc.array(fc.nat(120), { maxLength: 12 }),
  }),
)

describe('a mask', () => {
  test('gives what one look at the whole text would give, however the text is cut', () => {
    fc.assert(
      fc.property(story, ({ secrets, words, cuts }) => {
        const text = Buffer.concat(words.map((word) => Buffer.from(word)))
        expect(masked(text, secrets, cuts)).toBe(oracle(text, secrets))
      }),
      { numRuns: 2_000 },
    )
  })

  test('gives the same when every byte comes alone', () => {
    fc.assert(
      fc.property(story, ({ secrets, words }) => {
        const text = Buffer.from(words.join(''))
        const all = Array.from({ length: text.length }, (_, at) => at)
        expect(masked(text, secrets, all)).toBe(oracle(text, secrets))
      }),
    )
  })

  test('passes any bytes as they are where no secret is among them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.array(fc.nat(2_000)), (bytes, cuts) => {
        const text = Buffer.from(bytes)
        expect(masked(text, ['correct horse battery staple'], cuts)).toBe(text.toString('latin1'))
      }),
    )
  })

  test('passes a chunk on uncopied where nothing is to hide', () => {
    const chunk = Buffer.from('nothing to see here\n')
    expect(new Mask(['hunter22']).push(chunk).buffer).toBe(chunk.buffer)
  })

  test('holds nothing back but what may become a secret', () => {
    const mask = new Mask(['hunter22'])
    const say = (text: string) => Buffer.from(mask.push(Buffer.from(text))).toString()
    expect(say('ready> ')).toBe('ready> ')
    expect(say('the hunt')).toBe('the ')
    expect(say('ing season')).toBe('hunting season')
    expect(say('hunter2')).toBe('')
    expect(Buffer.from(mask.end()).toString()).toBe('hunter2')
    expect(say('2')).toBe('2')
  })

  test('hides a secret of any length with a bounded hold', () => {
    const long = Array.from({ length: 3_000 }, (_, at) => String.fromCharCode(33 + ((at * at) % 90))).join('')
    const text = Buffer.from(`<<${long}>>`)
    expect(masked(text, [long], [700, 701, 1_500])).toBe('<<***>>')
    const mask = new Mask([long])
    const part = mask.push(text.subarray(0, 2_000))
    expect(Buffer.from(part).toString()).toMatch(/^<<\*\*\*/)
  })

  test('hides secrets in a sentence without touching its stream', () => {
    const mask = new Mask(['hunter22'])
    mask.push(Buffer.from('hunt'))
    expect(mask.text('no access with hunter22: é')).toBe('no access with ***: é')
    expect(Buffer.from(mask.push(Buffer.from('er22!'))).toString()).toBe('***!')
  })

  test('shares its secrets with another one, not its stream', () => {
    const mask = new Mask(['hunter22'])
    mask.push(Buffer.from('hunt'))
    const other = new Mask(mask)
    expect(Buffer.from(other.push(Buffer.from('er22 hunter22.'))).toString()).toBe('er22 ***.')
  })

  test.each([[[]], [['']], [['abc']], [['\n\n']]])('hides nothing for %j', (secrets) => {
    expect(masked(Buffer.from('abc\n\n***'), secrets)).toBe('abc\n\n***')
  })
})

describe('a secret of thousands of short lines', () => {
  const lines = Array.from({ length: 6_600 }, (_, at) => `l1ne${String(at * 7919).padStart(8, '0')}`)
  const secret = lines.join('\n')
  test('is hidden as a whole and line by line, to its last line', () => {
    const mask = new Mask([secret])
    expect(mask.text(`<${secret}>`)).toBe('<***>')
    expect(mask.text(`a ${lines[3]} b ${lines.at(-1)} c`)).toBe('a *** b *** c')
    expect(mask.text(Buffer.from(`${lines[3]}`).toString('base64'))).toMatch(/^\*{3}.?=*$/)
  })
  test('does not become more spellings than a runner has memory for', () => {
    expect(spellings([secret]).length).toBeLessThan(30_000)
  })
})

test('a finder takes more needles than a call takes arguments', () => {
  const needles = Array.from({ length: 200_000 }, (_, at) => Buffer.from(`n${at}-`))
  const finder = new Finder(needles)
  expect([...finder.places(Buffer.from('to n199999- and on'))]).toEqual([{ from: 3, to: 11 }])
})

describe('a secret is found', () => {
  const secret = `pa's/w"o$r d+é&\\~!%`
  test.each([
    ['as it is', secret],
    ['in a URL', encodeURIComponent(secret)],
    ['in a URL in small digits', encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase())],
    ['in a path', encodeURI(secret)],
    ['in a form', new URLSearchParams({ a: secret }).toString().slice(2)],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in JSON of letters of ASCII', JSON.stringify(secret).slice(1, -1).replace('é', '\\u00e9')],
    ['in an attribute of XML', `pa&apos;s/w&quot;o$r d+é&amp;\\~!%`],
    ['in a text of XML', `pa's/w"o$r d+é&amp;\\~!%`],
    ['in single quotes', secret.replaceAll("'", `'\\''`)],
    ['in double quotes', secret.replace(/[\\"$`]/g, '\\$&')],
    ['with backslashes', String.raw`pa\'s/w\"o\$r\ d+é\&\\\~\!%`],
    ["in $'…'", secret.replaceAll('\\', '\\\\').replaceAll("'", "\\'")],
  ])('%s', (_, written) => {
    expect(masked(Buffer.from(`<${written}>`), [secret])).toBe('<***>')
  })

  test('wherever it stands in a text in base64, but for the signs it shares with its neighbours', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ minLength: 6, maxLength: 60 }),
        fc.constantFrom('base64' as const, 'base64url' as const),
        (before, after, raw, code) => {
          const hidden = `${Buffer.from(raw).toString('hex')}é`
          const whole = Buffer.concat([before, Buffer.from(hidden), after]).toString(code)
          const shown = masked(Buffer.from(whole), [hidden])
          const around = whole.replace(/=+$/, '').length - Math.ceil((Buffer.from(hidden).length * 4) / 3)
          expect(shown).toContain('***')
          expect(shown.replace('***', '').replace(/=+$/, '').length).toBeLessThanOrEqual(around + 3)
        },
      ),
    )
  })

  test.each([64, 76])('in base64 of lines of %d signs', (width) => {
    const key = 'k3y '.repeat(60)
    const lines = Buffer.from(key)
      .toString('base64')
      .replace(new RegExp(`.{${width}}`, 'g'), '$&\n')
    expect(masked(Buffer.from(lines), [key]).replace(/[*\n]/g, '')).toMatch(/^.{0,7}=*$/)
  })

  const pem =
    '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n{\n}\nBAQEFAASCBKcwggSjAg==\n-----END PRIVATE KEY-----\n'
  test.each([
    ['as a whole', pem.trimEnd(), '***'],
    ['with the line ends of Windows', pem.trimEnd().replaceAll('\n', '\r\n'), '***'],
    ['in JSON', JSON.stringify(pem), String.raw`"***\n"`],
    ['line by line', 'a MIIEvQIBADANBgkqhkiG9w0 b BAQEFAASCBKcwggSjAg== c', 'a *** b *** c'],
  ])('that has lines %s', (_, text, shown) => {
    expect(masked(Buffer.from(text), [pem])).toBe(shown)
  })
  test('but its braces and headings alone are none', () => {
    const text = '{\n}\n-----BEGIN PRIVATE KEY-----\nelse\n'
    expect(masked(Buffer.from(text), [pem])).toBe(text)
  })
})

/** Characters of one to four bytes, so that borders of pieces lie within them. */
const longSecret = fc.string({
  unit: fc.constantFrom('a', 'b', 'é', '€', '😀'),
  minLength: 200,
  maxLength: 2_000,
})

test('a secret of more bytes than are looked for at once is hidden to its last byte, whatever its characters', () => {
  expect(masked(Buffer.from(`<aé${'b'.repeat(511)}>`), [`aé${'b'.repeat(511)}`])).toBe('<***>')
  fc.assert(
    fc.property(longSecret, (long) => {
      expect(masked(Buffer.from(`<${long}>`), [long])).toBe('<***>')
    }),
  )
})

test('every spelling of the secrets is looked for once and is of bounded length', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(longSecret, fc.string({ unit: 'binary', maxLength: 2_000 })), { maxLength: 3 }),
      (secrets) => {
        const found = spellings(secrets)
        expect(new Set(found.map((each) => each.toString('latin1'))).size).toBe(found.length)
        for (const { length } of found) expect(length >= 4 && length <= 512).toBe(true)
      },
    ),
  )
})

test('what a run must not show are its secrets, the passwords of all its repositories and registries, and its lease', () => {
  const credential = (password: string) => ({ username: 'ci', password })
  const place = { url: 'https://git.example/a.git', sha: 'a'.repeat(40), ref: 'refs/heads/main' }
  const checkout = (password: string) => checkoutOf({ ...place, credential: credential(password) })
  const put = {
    kind: 'git' as const,
    resource: 'infra',
    url: 'https://git.example/b.git',
    credential: credential('put-word'),
    branch: 'main',
    tag: null,
    message: 'm',
    paths: [],
  }
  const get = { kind: 'git' as const, resource: 'tools', checkout: checkout('step-word') }
  const { commands: _, ...step } = runStep(1, [])
  const plan = planOf(['true'], {
    checkout: checkout('own-word'),
    secrets: { TOKEN: 'token-word', CALLBACK_URL_DONE: 'http://takt/hooks/callbacks/1/once-word' },
    gets: [{ kind: 'git', resource: 'other', checkout: checkout('get-word') }],
    steps: [
      { ...step, kind: 'group', maxParallel: 1, failFast: true, steps: [{ ...step, kind: 'get', get }] },
    ],
    hooks: { ...NO_HOOKS, always: [{ ...step, kind: 'put', put }] },
  })
  const texts = secretTexts(plan, 'lease-word-of-the-run')
  for (const word of ['own', 'token', 'get', 'step', 'put', 'once']) expect(texts).toContain(`${word}-word`)
  expect(texts).toContain('lease-word-of-the-run')
  expect(texts).toContain('ci:own-word')
})
