import { type Extension, RangeSet, StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view'

/** Lines, from 1, that stand out from now on. */
export const outstanding = StateEffect.define<readonly number[]>()
const line = Decoration.line({ class: 'cm-differs' })

/** Lines that differ from another text, until others are named; what is written meanwhile moves them along. */
export const differingLines: Extension = StateField.define<DecorationSet>({
  create: () => RangeSet.empty,
  update(marks, { effects, changes, state: { doc } }) {
    const wanted = effects.find((effect) => effect.is(outstanding))?.value
    if (!wanted) return marks.map(changes)
    return RangeSet.of(
      wanted.filter((number) => number <= doc.lines).map((number) => line.range(doc.line(number).from)),
    )
  },
  provide: (field) => EditorView.decorations.from(field),
})
