import type Docker from 'dockerode'

/** Who asks for so long and is then cut off was waiting for nothing but a container that lives. */
const LONG_MS = 1_000

/** Watch a container that runs: whether it has ended, or the engine that had it does not answer. */
export function lifeOf(container: Docker.Container): { readonly ended: boolean } {
  const life = { ended: false }
  void end(container).then(() => (life.ended = true))
  return life
}

/** Resolves when it has ended. A connection over which nothing is said is cut by some machines on its way: that is no end. */
async function end(container: Docker.Container): Promise<void> {
  for (;;) {
    const begun = performance.now()
    const cut = await container.wait().then(
      () => false,
      () => true, // looked into below
    )
    if (!cut || performance.now() - begun < LONG_MS || !(await isRunning(container))) return
  }
}

/** Whether the engine says so. */
export const isRunning = (container: Docker.Container): Promise<boolean> =>
  container.inspect().then(
    ({ State }) => State.Running,
    () => false, // it is gone, or its engine is
  )
