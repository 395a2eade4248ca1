import { answer, body, v1 } from './api.ts'

const ofServer = v1.server.maintenance

/** The maintenance of the whole server. */
export const maintenance = {
  now: (signal: AbortSignal) => answer(ofServer.$get({}, { init: { signal } })),
  begin: (reason: string) => body(ofServer.$put({ json: { reason } })),
  end: () => body(ofServer.$delete()),
}
