import { body, v1 } from './api.ts'

const commits = v1.gates[':id'].commits

export const gatesApi = {
  /** What would go through that did not when the gate was passed last. */
  commits: (gate: number) => body(commits.$get({ param: { id: String(gate) } })),
}
