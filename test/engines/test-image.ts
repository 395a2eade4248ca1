import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { findDocker } from '../../runner/docker/engine.ts'
import { importDemo, staticBusybox } from '../../runner/docker/demo-image.ts'

export const TEST_IMAGE = 'takt-test/busybox:1'
export const run = promisify(execFile)

/** Why Docker tests cannot run here, or null. On CI that is no excuse: there they run, and fail. */
export async function whyNoDocker(): Promise<string | null> {
  if (process.env['CI'] === 'true') return null
  return (await findDocker(AbortSignal.timeout(2_000))) ? null : 'no Docker engine answers'
}

/** The image the tests run in, made from the machine's own tools where it is missing: no registry is needed. */
export async function ensureTestImage(): Promise<void> {
  const docker = new Docker()
  const images = await docker.listImages({ filters: { reference: [TEST_IMAGE] } })
  if (images.length === 0)
    await importDemo(docker, { repository: TEST_IMAGE, busybox: await staticBusybox() })
}
