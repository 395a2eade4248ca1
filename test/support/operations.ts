import type { House } from './server.ts'

/** Every route of the API, off its own description: `GET /api/v1/runs/{id}`, its parameters filled in; `1` where nothing is said. */
export async function operations(house: House, filled: Record<string, string> = {}): Promise<string[]> {
  const { body } = await house.ask('GET /api/openapi.json')
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map(
      (method) =>
        `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => filled[name] ?? '1')}`,
    ),
  )
}
