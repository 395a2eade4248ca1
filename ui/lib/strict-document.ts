/**
 * As long as it lasts, this page makes elements for a library that writes styles as text, which our Content-Security-Policy
 * forbids: its `<style>` elements become style sheets that are made by script, and its `style` attributes are set as
 * properties. Both are allowed, because no markup that somebody smuggled in can do the same.
 *
 * @returns How to end it.
 */
export function makeStrictly(): () => void {
  Object.defineProperty(document, 'createElement', { value: createElement, configurable: true })
  // What stood there before is the prototype's own.
  return () => void Reflect.deleteProperty(document, 'createElement')
}

const plain = (name: string): HTMLElement => Document.prototype.createElement.call(document, name)

function createElement(name: string): HTMLElement {
  if (name === 'style') return styleElement()
  const element = plain(name)
  const setAttribute = element.setAttribute.bind(element)
  element.setAttribute = (attribute, value) => {
    if (attribute === 'style') element.style.cssText = value
    else setAttribute(attribute, value)
  }
  return element
}

/** Looks like a `<style>` to who writes into it; its sheet is the document's as long as it is not removed. */
function styleElement(): HTMLElement {
  const element = plain('div')
  element.hidden = true
  const sheet = new CSSStyleSheet()
  document.adoptedStyleSheets.push(sheet)
  let written = ''
  Object.defineProperty(element, 'textContent', {
    get: () => written,
    set: (text: string) => sheet.replaceSync((written = text)),
  })
  const remove = element.remove.bind(element)
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet)
    remove()
  }
  return element
}
