/**
 * The first JSON value of a text, whatever stands behind it; undefined where the text begins with none.
 *
 * Programs of the resource protocol may go on talking after their answer, and hosts do not mind.
 */
export function firstJson(text: string): unknown {
  const from = text.search(/\S/)
  if (from === -1) return undefined
  const end = endOfValue(text, from)
  try {
    return JSON.parse(text.slice(from, end))
  } catch {
    return undefined // no JSON: the caller says whose it was
  }
}

/** Where the value that begins at `from` ends, if it is one. */
function endOfValue(text: string, from: number): number {
  if (text[from] === '"') return endOfText(text, from)
  if (text[from] !== '{' && text[from] !== '[')
    return from + (/^[^\s,\]}{["]*/.exec(text.slice(from, from + 100))?.[0].length ?? 0)
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const letter = text[at]
    if (letter === '"') at = endOfText(text, at) - 1
    else if (letter === '{' || letter === '[') depth++
    else if ((letter === '}' || letter === ']') && --depth === 0) return at + 1
  }
  return text.length
}

/** Behind the closing quote of the text that begins at `from`. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}
