import type { Gate } from './api.ts'
import { remember, remembered } from './theme.svelte.ts'

const KEY = 'takt.desktop'

/** Whether this browser tells of gates outside its window: wanted by its person, and let by the browser. */
export class DesktopChoice {
  #isWanted = $state(remembered(KEY, ['yes'] as const) !== null)
  #permission = $state(permissionNow())

  /** `impossible`: this browser, or this address, which is not a secure one, has no notifications. */
  get standing(): 'on' | 'off' | 'refused' | 'impossible' {
    if (this.#permission === null) return 'impossible'
    if (this.#permission === 'denied') return 'refused'
    return this.#isWanted && this.#permission === 'granted' ? 'on' : 'off'
  }

  /** To be called from a click: a browser asks its person only then. */
  async turnOn(): Promise<void> {
    this.#permission = await Notification.requestPermission()
    this.#keep(this.#permission === 'granted')
  }

  turnOff(): void {
    this.#keep(false)
  }

  #keep(isWanted: boolean): void {
    this.#isWanted = isWanted
    remember(KEY, isWanted ? 'yes' : null)
  }
}

const permissionNow = () =>
  typeof Notification === 'undefined' || !isSecureContext ? null : Notification.permission

/** The one choice of this browser, wherever it is shown or heeded. */
export const desktop = new DesktopChoice()

/** Of the gates that wait, those that somebody may decide and has not been told of; all of them count as told from now on. */
export function untold(gates: readonly Gate[], told: Set<number>): Gate[] {
  const asked = gates.filter(
    ({ kind, refusal, id }) => kind === 'approve' && refusal === null && !told.has(id),
  )
  for (const { id } of asked) told.add(id)
  return asked
}
