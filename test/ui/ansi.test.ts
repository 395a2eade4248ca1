import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PLAIN, plainText, spansOf, styleAfter } from '../../ui/lib/ansi.ts'

const ESC = '\u001b'
const styles = (line: string) => spansOf(line).spans.map(({ text, style }) => [text, style] as const)

describe('the colours of a terminal', () => {
  test('a line without escapes is one plain span', () => {
    expect(spansOf('npm ci')).toEqual({ spans: [{ text: 'npm ci', style: PLAIN }], end: PLAIN })
  })

  test.each([
    ['the eight dark ones', '31', { ink: { name: 1 } }],
    ['the eight bright ones', '92', { ink: { name: 10 } }],
    ['a paper', '44', { paper: { name: 4 } }],
    ['a bright paper', '103', { paper: { name: 11 } }],
    ['one of 256 below 16', '38;5;9', { ink: { name: 9 } }],
    ['one of 256 in the cube', '38;5;208', { ink: { red: 255, green: 135, blue: 0 } }],
    ['one of 256 among the greys', '48;5;244', { paper: { red: 128, green: 128, blue: 128 } }],
    ['an exact one', '38;2;1;2;3', { ink: { red: 1, green: 2, blue: 3 } }],
    ['an exact one with colons and a colour space', '38:2::1:2:3', { ink: { red: 1, green: 2, blue: 3 } }],
    ['an exact one, then bold', '38;2;1;2;3;1', { ink: { red: 1, green: 2, blue: 3 }, bold: true }],
    [
      'bold, dim, italic and underline at once',
      '1;2;3;4',
      { bold: true, dim: true, italic: true, underline: true },
    ],
    ['what it does not know: nothing', '73', {}],
    ['a broken extended colour: nothing', '38;9;1', {}],
  ])('understand %s', (_, codes, expected) => {
    expect(styles(`${ESC}[${codes}mx`)).toEqual([['x', { ...PLAIN, ...expected }]])
  })

  test('an empty parameter resets, and each attribute has its own end', () => {
    expect(styleAfter(`${ESC}[1;31;44m${ESC}[m`, PLAIN)).toEqual(PLAIN)
    expect(styleAfter(`${ESC}[1;2;3;4;7;9;31;44m${ESC}[22;23;24;27;29;39;49m`, PLAIN)).toEqual(PLAIN)
  })

  test('a style goes on into the next line', () => {
    const { end } = spansOf(`${ESC}[31mred`)
    expect(spansOf('still red', end).spans).toEqual([
      { text: 'still red', style: { ...PLAIN, ink: { name: 1 } } },
    ])
  })
})

describe('links', () => {
  const link = (target: string) => `${ESC}]8;;${target}${ESC}\\here${ESC}]8;;${ESC}\\ not`

  test('lead to the web only', () => {
    expect(styles(link('https://takt.dev/a;b'))).toEqual([
      ['here', { ...PLAIN, link: 'https://takt.dev/a;b' }],
      [' not', PLAIN],
    ])
    for (const target of [
      'javascript:alert(1)',
      'file:///etc/passwd',
      'data:text/html,x',
      '//host',
      'https://',
    ]) {
      expect(styles(link(target))[0]).toEqual(['here', PLAIN])
    }
  })

  test('end with BEL as well', () => {
    expect(spansOf(`${ESC}]8;id=1;http://a/\u0007b${ESC}]8;;\u0007`).spans[0]?.style.link).toBe('http://a/')
  })
})

describe('everything else', () => {
  test.each([
    ['cursor movements and erasures', `a${ESC}[2K${ESC}[1Ab${ESC}[?25l`, 'ab'],
    ['a window title', `${ESC}]0;title\u0007x`, 'x'],
    ['a device string', `${ESC}Pq#0;2${ESC}\\x`, 'x'],
    ['a character set', `${ESC}(Bx`, 'x'],
    ['control characters, but not tabs', 'a\u0000\u0007\u0008\tb\u007f\u009b', 'a\tb'],
    ['an escape that the line cuts', `x${ESC}[38;5`, 'x'],
    ['a link that the line cuts', `x${ESC}]8;;https://a`, 'x'],
    ['a lone escape', `x${ESC}`, 'x'],
  ])('%s leave nothing behind', (_, line, text) => {
    expect(plainText(line)).toBe(text)
  })

  test('a carriage return starts the line over and keeps the colour', () => {
    expect(styles(`${ESC}[32m10%\r20%`)).toEqual([['20%', { ...PLAIN, ink: { name: 2 } }]])
  })

  test('a carriage return at the end erases nothing', () => {
    expect(plainText('done\r')).toBe('done')
    expect(plainText('10%\r20%\r\r')).toBe('20%')
  })

  test('markup is text', () => {
    expect(plainText('"><img src=x onerror=alert(1)>')).toBe('"><img src=x onerror=alert(1)>')
  })

  test('no line of any bytes leaves a control character, or loses text that holds none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (noise, text) => {
        expect(plainText(`${noise}${ESC}[0m`)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
        if (
          !/[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/.test(
            text,
          )
        )
          expect(plainText(text)).toBe(text)
      }),
    )
  })
})
