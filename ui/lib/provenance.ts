/** What a signed statement says of a version, as far as people ask for it first; its whole text is in the download. */
export type Provenance = {
  readonly run: number
  readonly job: string
  readonly runner: string
  readonly steps: readonly string[]
  /** What it was made of: versions of resources, and the images that the engine ran. */
  readonly parts: readonly { readonly name: string; readonly what: string; readonly digest: string }[]
}

/** As the server writes it (`server/attestations/statement.ts`). */
type Statement = {
  readonly predicate: {
    readonly buildDefinition: {
      readonly externalParameters: { readonly job: string }
      readonly internalParameters: { readonly steps: readonly { readonly name: string }[] }
      readonly resolvedDependencies: readonly {
        readonly name: string
        readonly uri: string
        readonly digest: Readonly<Record<string, string>>
      }[]
    }
    readonly runDetails: {
      readonly builder: { readonly builderDependencies: readonly { readonly name: string }[] }
    }
  }
}
type Attestation = { readonly run: number; readonly envelope: { readonly payload: string } }

/** @param attestation  One of those that the server tells of a version: a DSSE envelope, whose payload is base64. */
export function provenanceOf({ run, envelope }: Attestation): Provenance {
  const bytes = Uint8Array.from(atob(envelope.payload), (letter) => letter.charCodeAt(0))
  const { predicate }: Statement = JSON.parse(new TextDecoder().decode(bytes))
  const { externalParameters, internalParameters, resolvedDependencies } = predicate.buildDefinition
  return {
    run,
    job: externalParameters.job,
    runner: predicate.runDetails.builder.builderDependencies.map(({ name }) => name).join(', '),
    steps: internalParameters.steps.map(({ name }) => name),
    parts: resolvedDependencies.map(({ name, uri, digest }) => ({
      name,
      what: name === 'image' ? uri.replace('docker://', '') : '',
      digest: Object.entries(digest)
        .map(([kind, hex]) => (kind === 'gitCommit' ? hex : `${kind}:${hex}`))
        .join(' '),
    })),
  }
}
