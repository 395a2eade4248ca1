/** Farther than this the pointer has to move before a press becomes a drag. */
const LEAST_PX = 4
const WHEEL_STEP = 1.1

/**
 * Lets a person drag what an element shows of something larger, and zoom it with the wheel while Ctrl is held.
 *
 * @param onzoom  By which factor.
 */
export const withDrag = (onzoom: (by: number) => void) => (shown: HTMLElement) => {
  let from: { readonly x: number; readonly y: number; readonly left: number; readonly top: number } | null =
    null

  function press(event: PointerEvent): void {
    // Fingers scroll by themselves; what can be pressed is pressed.
    const isOnNode = event.target instanceof Element && event.target.closest('a, button, .node') !== null
    if (event.pointerType !== 'mouse' || event.button !== 0 || isOnNode) return
    from = { x: event.clientX, y: event.clientY, left: shown.scrollLeft, top: shown.scrollTop }
  }

  function move(event: PointerEvent): void {
    if (!from) return
    const [x, y] = [event.clientX - from.x, event.clientY - from.y]
    if (Math.hypot(x, y) < LEAST_PX && !shown.hasPointerCapture(event.pointerId)) return
    if (!shown.hasPointerCapture(event.pointerId)) shown.setPointerCapture(event.pointerId)
    shown.scrollTo(from.left - x, from.top - y)
  }

  const release = () => (from = null)

  function turn(event: WheelEvent): void {
    if (!event.ctrlKey) return
    event.preventDefault()
    onzoom(event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP)
  }

  const listening = new AbortController()
  const { signal } = listening
  shown.addEventListener('pointerdown', press, { signal })
  shown.addEventListener('pointermove', move, { signal })
  shown.addEventListener('pointerup', release, { signal })
  shown.addEventListener('pointercancel', release, { signal })
  shown.addEventListener('wheel', turn, { signal, passive: false })
  return () => listening.abort()
}
