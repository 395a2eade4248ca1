/** A row of any list or table; what lies inside of one belongs to it. */
const ROW = 'li, tbody > tr'
/** What Enter opens: a link before a button. */
const WAYS = ['a[href]', 'button:not(:disabled), summary']

/**
 * Goes to the next row that leads anywhere, or to the one before, on whatever page is open: its first link has the focus then, so
 * that Enter opens it. Without one, the first row is gone to.
 *
 * @param by  1 or -1.
 */
export function goToRow(by: 1 | -1, page: Document = document): void {
  const ground = page.querySelector('dialog[open]') ?? page.querySelector('main')
  const rows = ground ? rowsIn(ground) : []
  const here = rows.findIndex(({ row }) => row.contains(page.activeElement))
  const next = here === -1 ? rows[0] : rows[here + by]
  if (!next) return
  next.way.focus({ preventScroll: true })
  next.row.scrollIntoView({ block: 'nearest' })
}

function rowsIn(ground: Element) {
  return [...ground.querySelectorAll(ROW)].flatMap((row) => {
    if (row.parentElement?.closest(ROW) || row.closest('nav')) return []
    const way = WAYS.map((kind) => firstSeen(row, kind)).find((found) => found !== undefined)
    return way ? [{ row, way }] : []
  })
}

const firstSeen = (row: Element, kind: string) =>
  [...row.querySelectorAll<HTMLElement>(kind)].find((found) => found.checkVisibility())
