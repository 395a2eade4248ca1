import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { plainText, spansOf } from '../../ui/lib/ansi.ts'

const ESC = '\u001b'

test.each([
  ['puts something into the clipboard (OSC 52)', `a${ESC}]52;c;cm0gLXJmIC8=\u0007b`],
  ['names the window', `a${ESC}]0;root@prod\u0007b`],
  ['asks where the cursor is', `a${ESC}[6nb`],
  ['moves the cursor up and wipes', `a${ESC}[2A${ESC}[2Jb`],
  ['asks what the terminal is (DCS)', `a${ESC}P+q544e${ESC}\\b`],
  ['begins an escape in C1', 'a\u009b31m\u0090b'.replace('31m', '')],
])('an escape that %s does nothing', (_, line) => expect(plainText(line)).toBe('ab'))

test.each([
  'javascript:alert(1)',
  'data:text/html,<script>',
  'file:///etc/passwd',
  'vbscript:x',
  ' https://x',
  'http//x',
])('a link to %s is no link', (target) => {
  const { spans } = spansOf(`${ESC}]8;;${target}${ESC}\\here${ESC}]8;;${ESC}\\`)
  expect(spans.map(({ style }) => style.link)).toEqual([null])
})

test('a link that is one opens without a way back to us', async () => {
  const part = await readFile(new URL('../../ui/parts/LogText.svelte', import.meta.url), 'utf8')
  expect(part).toContain('rel="noopener noreferrer"')
})

test.each([
  [
    'turns the direction of reading',
    'if (isAdmin\u202e \u2066) return',
    'if (isAdmin⟨U+202E⟩ ⟨U+2066⟩) return',
  ],
  ['takes no room', 'pass\u200bword \ufeffx\u2060', 'pass⟨U+200B⟩word ⟨U+FEFF⟩x⟨U+2060⟩'],
])('a letter that %s is shown by its number', (_, line, shown) => expect(plainText(line)).toBe(shown))

test('letters that words and pictures are joined with stay as they are', () => {
  for (const text of ['👩‍💻', 'می‌خواهم', 'שלום', 'مرحبا']) expect(plainText(text)).toBe(text)
})

test('a line that begins anew shows its last state, and the raw log keeps all of them', () => {
  expect(plainText('10%\r20%\r30%')).toBe('30%')
})
