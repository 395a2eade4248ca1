import { createSubscriber } from 'svelte/reactivity'

let nowMs = Date.now()

const beat = createSubscriber((update) => {
  const timer = setInterval(() => {
    nowMs = Date.now()
    update()
  }, 1_000)
  nowMs = Date.now()
  return () => clearInterval(timer)
})

/** The time in milliseconds; whoever reads it while rendering is rendered again each second. */
export function now(): number {
  beat()
  return nowMs
}
