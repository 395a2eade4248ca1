import type { OpenAPIHono } from '@hono/zod-openapi'
import { html } from 'hono/html'
import type { HouseEnv } from './kit.ts'

const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Takt',
    version: '1',
    description:
      'Send an API token as `Authorization: Bearer …`. Refusals are `application/problem+json` (RFC 9457) with a `code`. Lists are `{items, next}`; `next` is the `after` of the page behind. Each GET answers with `takt-cursor`: where to watch events from over `/live`.',
  },
  security: [{ token: [] }],
}

type Operation = {
  summary?: string
  tags?: string[]
  parameters?: { name: string; in: string; required?: boolean; description?: string }[]
}

/** The API's description, generated from the schemas that check the requests: as a document and as a page. */
export function describeApi(app: OpenAPIHono<HouseEnv>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  // Not `doc31`, which answers an empty 500 where a schema cannot be described, and tells nobody why.
  app.get('/api/openapi.json', (c) => c.json(app.getOpenAPI31Document(DOCUMENT)))
  app.get('/api/docs', (c) => {
    const { paths = {} } = app.getOpenAPI31Document(DOCUMENT)
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
        path,
        method,
        operation,
      })),
    )
    return c.html(page(operations))
  })
}

const page = (operations: { path: string; method: string; operation: Operation }[]) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Takt API</title>
        <link rel="stylesheet" href="/docs.css" />
      </head>
      <body>
        <main>
          <h1>Takt API</h1>
          <p>${DOCUMENT.info.description}</p>
          <p>The same for programs: <a href="/api/openapi.json">/api/openapi.json</a>.</p>
          ${operations.map(
            ({ path, method, operation }) =>
              html`<section>
                <h2><code>${method.toUpperCase()} ${path}</code></h2>
                <p>${operation.summary ?? ''}</p>
                <ul>
                  ${(operation.parameters ?? []).map(
                    (each) =>
                      html`<li>
                        <code>${each.name}</code> (${each.in}${each.required ? ', required' : ''})
                        ${each.description ?? ''}
                      </li>`,
                  )}
                </ul>
              </section>`,
          )}
        </main>
      </body>
    </html>`
