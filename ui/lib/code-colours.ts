import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const button = {
  border: '1px solid var(--line-strong)',
  borderRadius: 'var(--radius-small)',
  background: 'var(--surface)',
  color: 'var(--ink)',
  font: 'inherit',
}
const wavy = (state: string) => ({
  backgroundImage: 'none',
  textDecoration: `underline wavy var(--${state})`,
  textDecorationSkipInk: 'none',
  textUnderlineOffset: '3px',
})

/** The editor in the page's colours, light and dark: its variables reach into the shadow that it stands in. */
const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'var(--log)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-content': { padding: '10px 0', caretColor: 'var(--ink)' },
  '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'color-mix(in oklab, var(--brass-fill) 30%, var(--log))',
  },
  '.cm-activeLine': { backgroundColor: 'color-mix(in oklab, var(--brass-fill) 6%, transparent)' },
  '.cm-differs': {
    backgroundColor: 'color-mix(in oklab, var(--running) 4%, transparent)',
    boxShadow: 'inset 3px 0 var(--running)',
  },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in oklab, var(--brass-fill) 16%, transparent)' },
  '.cm-gutters': {
    backgroundColor: 'var(--log)',
    color: 'var(--ink-3)',
    borderRight: '1px solid var(--line)',
  },
  '.cm-activeLineGutter': { backgroundColor: 'var(--raised)', color: 'var(--ink)' },
  '&.cm-focused .cm-matchingBracket': {
    backgroundColor: 'var(--brass-tint)',
    outline: '1px solid var(--brass)',
  },
  '.cm-lintRange-error': wavy('failed'),
  '.cm-lintRange-warning': wavy('allowed'),
  '.cm-tooltip': {
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-small)',
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    boxShadow: '0 8px 30px var(--shade)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '14em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '2px 10px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--brass-tint)',
    color: 'var(--ink)',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--brass)', fontWeight: '650' },
  '.cm-tooltip.cm-completionInfo': { padding: '6px 10px', maxWidth: '320px', fontFamily: 'var(--text)' },
  '.cm-diagnostic': { padding: '5px 10px', fontFamily: 'var(--text)', maxWidth: '460px' },
  '.cm-diagnostic-error': { borderLeft: '4px solid var(--failed)' },
  '.cm-diagnostic-warning': { borderLeft: '4px solid var(--brass-fill)' },
  '.cm-panels': { backgroundColor: 'var(--surface)', color: 'var(--ink)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panels.cm-panels-bottom': { borderTop: '1px solid var(--line)' },
  '.cm-panel.cm-search': { padding: '8px 10px', fontFamily: 'var(--text)' },
  '.cm-panel.cm-search [name=close]': { color: 'var(--ink-2)', fontSize: '18px', padding: '0 6px' },
  '.cm-button': { ...button, backgroundImage: 'none', padding: '2px 9px' },
  '.cm-textfield': { ...button, padding: '2px 8px' },
  '.cm-searchMatch': { backgroundColor: 'color-mix(in oklab, var(--brass-fill) 28%, transparent)' },
  '.cm-searchMatch-selected': { backgroundColor: 'color-mix(in oklab, var(--brass-fill) 52%, transparent)' },
})

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--ansi-4)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ansi-2)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--ansi-5)' },
  { tag: [tags.labelName, tags.typeName, tags.meta], color: 'var(--ansi-6)' },
  { tag: tags.comment, color: 'var(--ink-3)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--ink-2)' },
])

export const codeColours: Extension = [look, syntaxHighlighting(colours)]
