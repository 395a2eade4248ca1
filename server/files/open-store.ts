import { join } from 'node:path'
import type { Config } from '../config.ts'
import { directoryStore } from './directory-store.ts'
import { s3Store } from './s3-store.ts'
import type { Store } from './store.ts'

/**
 * Where this server keeps files: in its data directory, or in a bucket where one is set.
 *
 * @throws {Error} Naming what is missing where only a part of the bucket's settings is there.
 */
export function openStore(config: Config): Store {
  const { TAKT_S3_ENDPOINT: endpoint, TAKT_S3_BUCKET: bucket, TAKT_S3_KEY: accessKeyId } = config
  const { TAKT_S3_SECRET: secretAccessKey, TAKT_S3_REGION: region, TAKT_DATA: dataDir } = config
  if (!endpoint && !bucket && !accessKeyId && !secretAccessKey) return directoryStore(join(dataDir, 'store'))
  if (endpoint && bucket && accessKeyId && secretAccessKey)
    return s3Store({ endpoint, bucket, region, accessKeyId, secretAccessKey, spool: join(dataDir, 'spool') })
  const all = {
    TAKT_S3_ENDPOINT: endpoint,
    TAKT_S3_BUCKET: bucket,
    TAKT_S3_KEY: accessKeyId,
    TAKT_S3_SECRET: secretAccessKey,
  }
  const missing = Object.entries(all).flatMap(([name, value]) => (value ? [] : [name]))
  throw new Error(`An object store needs ${missing.join(' and ')} as well: set them, or none of TAKT_S3_*.`)
}
