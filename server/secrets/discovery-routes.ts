import { Hono } from 'hono'
import type { Db } from '../db/connect.ts'
import { publishedKeys } from './signing-keys.ts'

const KEPT = { 'cache-control': 'public, max-age=600' }

/** `/.well-known`: how those who are shown a token of ours verify it (OpenID Connect Discovery 1.0). Nothing here is a secret. */
export const discoveryRoutes = ({ db, publicUrl }: { db: Db; publicUrl: () => string }) =>
  new Hono()
    .get('/openid-configuration', (c) =>
      c.json(
        {
          issuer: publicUrl(),
          jwks_uri: `${publicUrl()}/.well-known/jwks.json`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          scopes_supported: ['openid'],
          claims_supported: [
            ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'project', 'organization', 'pipeline'],
            ...['job', 'lane', 'ref', 'sha', 'run', 'attempt', 'environment', 'trusted'],
          ],
        },
        200,
        KEPT,
      ),
    )
    .get('/jwks.json', async (c) => c.json({ keys: await publishedKeys(db) }, 200, KEPT))
