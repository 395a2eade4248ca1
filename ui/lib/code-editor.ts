import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput, indentService, indentUnit } from '@codemirror/language'
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension, type Text } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { codeColours } from './code-colours.ts'
import { differingLines, outstanding } from './code-lines.ts'
import type { Finding } from './editor-api.ts'
import type { Completion, Completions } from './schema-completions.ts'
import { columnBelow } from './yaml-lines.ts'

export type CodeEditor = {
  /** Replaces what is written, so that it can be undone. */
  readonly write: (text: string) => void
  readonly mark: (findings: readonly Finding[]) => void
  /** Lines, from 1, that stand out: they differ from another text. */
  readonly differ: (lines: readonly number[]) => void
  /** To a line and column, from 1. */
  readonly goTo: (line: number, column: number) => void
  readonly close: () => void
}

export type CodeEditorOptions = {
  readonly text: string
  readonly label: string
  readonly isFixed: boolean
  readonly complete: (text: string, offset: number) => Completions | null
  readonly onwrite: (text: string) => void
}

/**
 * A text editor for YAML.
 *
 * It stands in a shadow of the page: there its styles are sheets made by script, which our Content-Security-Policy allows;
 * in the page itself they would be `<style>` elements, which it forbids.
 */
export function openCode(place: HTMLElement, options: CodeEditorOptions): CodeEditor {
  const host = document.createElement('div')
  host.className = 'code-host'
  place.append(host)
  const root = host.attachShadow({ mode: 'open' })
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: options.text, extensions: extensionsFor(options) }),
  })
  return {
    write: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    mark: (findings) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          findings.map((finding) => marked(view.state.doc, finding)),
        ),
      ),
    differ: (lines) => view.dispatch({ effects: outstanding.of(lines) }),
    goTo: (line, column) => {
      view.focus()
      view.dispatch({ selection: { anchor: offsetOf(view.state.doc, line, column) }, scrollIntoView: true })
    },
    close: () => {
      view.destroy()
      host.remove()
    },
  }
}

function extensionsFor({ label, isFixed, complete, onwrite }: CodeEditorOptions): Extension[] {
  const attributes = { 'aria-label': label, spellcheck: 'false', autocapitalize: 'none', tabindex: '0' }
  return [
    lineNumbers(),
    lintGutter(),
    drawSelection(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    bracketMatching(),
    search({ top: true }),
    yaml(),
    indentUnit.of('  '),
    indentService.of(({ state }, at) => columnBelow(lineAbove(state.doc, at))),
    codeColours,
    differingLines,
    EditorView.contentAttributes.of(isFixed ? { ...attributes, 'aria-readonly': 'true' } : attributes),
    EditorState.readOnly.of(isFixed),
    ...(isFixed ? [] : [history(), indentOnInput(), closeBrackets(), completing(complete)]),
    keymap.of([
      ...closeBracketsKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...lintKeymap,
      ...defaultKeymap,
      ...(isFixed ? [] : [indentWithTab]),
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onwrite(update.state.doc.toString())
    }),
  ]
}

const completing = (complete: CodeEditorOptions['complete']): Extension =>
  autocompletion({
    override: [(context) => resultOf(context, complete)],
    icons: false,
    // Behind the colon the next choice is offered.
    activateOnCompletion: ({ type }) => type === 'key',
  })

function resultOf(
  { state, pos, explicit }: CompletionContext,
  complete: CodeEditorOptions['complete'],
): CompletionResult | null {
  const found = complete(state.doc.toString(), pos)
  if (!found) return null
  // On an empty line nobody asked for keys yet.
  if (!explicit && found.typed === '' && found.items.some(({ kind }) => kind === 'key')) return null
  return { from: found.from, options: found.items.map(optionOf), validFor: /^[\w-]*$/ }
}

const optionOf = ({ label, kind, description, insert, isRequired }: Completion) => ({
  label,
  type: kind,
  apply: insert,
  boost: isRequired ? 1 : 0,
  ...(description === '' ? {} : { info: description }),
})

/** The last line with something on it that ends before a place; where a line is broken, its first half. */
function lineAbove(doc: Text, at: number): string {
  const line = doc.lineAt(at)
  const before = doc.sliceString(line.from, at)
  if (before.trim() !== '') return before
  for (let number = line.number - 1; number > 0; number--) {
    const { text } = doc.line(number)
    if (text.trim() !== '') return text
  }
  return ''
}

/** From where the finding stands to the end of the word there: one sign at least, where the line has one. */
function marked(doc: Text, { line, column, severity, message, hint }: Finding): Diagnostic {
  const from = offsetOf(doc, line, column)
  const { to: end } = doc.lineAt(from)
  const word = /^[^\s:,\]}]+/.exec(doc.sliceString(from, end))?.[0].length ?? 1
  const to = Math.min(end, from + word)
  return { from, to, severity, message: hint === '' ? message : `${message}\n${hint}` }
}

function offsetOf(doc: Text, line: number, column: number): number {
  const { from, to } = doc.line(Math.min(Math.max(1, line), doc.lines))
  return Math.min(to, from + Math.max(0, column - 1))
}
