import type { RunId, VersionId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { Built } from '#pipelines/wire/images.ts'
import { toJson } from '../db/to-json.ts'
import type { Signer } from './envelope.ts'
import { foundRun, imagesOf, usedSteps, usedVersions } from './facts.ts'
import { ranImages } from '../runs/ran-images.ts'
import { statementOf } from './statement.ts'

/** Who signs, and the address under which the server is known. */
export type Notary = { readonly signer: () => Signer; readonly publicUrl: () => string }

type Made = {
  readonly version: VersionId
  readonly resource: string
  readonly name: string
  readonly fields: Readonly<Record<string, string>>
  /** Of an image that was built by the run. */
  readonly built: Built | null
}

/** Sign how a version came to be, in the transaction that records it. Put once more by the same run, it is signed anew. */
export async function attest(
  tx: Trx,
  run: RunId,
  { made, notary }: { made: Made; notary: Notary },
): Promise<void> {
  const found = await foundRun(tx, run)
  const statement = statementOf({
    run: found,
    made,
    inputs: await usedVersions(tx, run),
    steps: await usedSteps(tx, found),
    named: imagesOf(found.definition, found.job),
    ran: await ranImages(tx, found),
    publicUrl: notary.publicUrl(),
  })
  const signer = notary.signer()
  // Kept for as long as there is something that it signed: the server's key may be another one later.
  await tx
    .insertInto('attestation_keys')
    .values({ id: signer.keyid, public_key: signer.publicKey })
    .onConflict((oc) => oc.doNothing())
    .execute()
  const signed = { envelope: toJson(signer.sign(statement)), key_id: signer.keyid }
  await tx
    .insertInto('attestations')
    .values({ version_id: made.version, run_id: run, ...signed })
    .onConflict((oc) => oc.columns(['version_id', 'run_id']).doUpdateSet(signed))
    .execute()
}
