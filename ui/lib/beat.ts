/**
 * What moves without an end moves in steps, on one beat: whatever the number of things under way, the page is drawn anew ten times
 * a second and not once for each of them, each in its own time.
 */
export function keepTime({ target }: AnimationEvent): void {
  if (!(target instanceof Element)) return
  for (const animation of target.getAnimations())
    if (animation.effect?.getTiming().iterations === Infinity) animation.startTime = 0
}
