import { environmentWith, ROOT, RUNNER_ARGS, RUNNER_ENVIRONMENT } from './config.ts'

/** Run a runner. This process becomes it: server and runner share no code but the pipelines, and signals need no middleman. */
export function runner(): Promise<never> {
  process.execve?.(process.execPath, [process.execPath, ...RUNNER_ARGS], environmentWith(RUNNER_ENVIRONMENT))
  throw new Error(
    `${process.execPath} cannot become another program: run ${ROOT}runner/main.ts with it instead`,
  )
}
