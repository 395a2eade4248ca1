/** What a signed statement says of a version, as far as people ask for it first; its whole text is in the download. */
export type Provenance = {
  readonly run: number
  readonly job: string
  readonly runner: string
  readonly steps: readonly string[]
  /** What the builder tells of what it built from; null where nothing was built. */
  readonly build: string | null
  /** What it was made of: versions of resources, the images that the engine ran, and those that the builder built from. */
  readonly parts: readonly { readonly name: string; readonly what: string; readonly digest: string }[]
}

/** As the server writes it (`server/attestations/statement.ts`). */
type Statement = {
  readonly predicate: {
    readonly buildDefinition: {
      readonly externalParameters: { readonly job: string }
      readonly internalParameters: {
        readonly steps: readonly { readonly name: string }[]
        readonly build?: { readonly builder: string; readonly bases: string }
      }
      readonly resolvedDependencies: readonly {
        readonly name: string
        readonly uri: string
        readonly digest?: Readonly<Record<string, string>>
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
    build: internalParameters.build
      ? `Built by ${internalParameters.build.builder}; base images ${internalParameters.build.bases}`
      : null,
    parts: resolvedDependencies.map(({ name, uri, digest }) => ({
      name,
      what: uri.startsWith('docker://') ? uri.replace('docker://', '') : '',
      digest: Object.entries(digest ?? { digest: 'not told' })
        .map(([kind, hex]) => (kind === 'gitCommit' ? hex : `${kind}:${hex}`))
        .join(' '),
    })),
  }
}
