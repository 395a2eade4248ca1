import type { RunId, VersionId } from '#pipelines/ids.ts'
import type { Json, Time } from './columns.ts'

/** A signature over a payload and its type (DSSE 1.0); `payload` and `sig` are base64. */
export type Envelope = {
  readonly payloadType: string
  readonly payload: string
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
}

/** The tables of signed provenance, as the migrations make them. */
export type AttestationTables = {
  attestation_keys: { id: string; public_key: string; created_at: Time }
  attestations: {
    version_id: VersionId
    run_id: RunId
    key_id: string
    envelope: Json<Envelope>
    created_at: Time
  }
  run_images: {
    run_id: RunId
    attempt: number
    image_id: string
    image: string
    digests: string[]
    at: Time
  }
}
