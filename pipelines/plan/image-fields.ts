/** What an image tells, under the names of `FIELDS.registry`; one that was pushed without a tag has none. */
export const fieldsOfImage = (
  repository: string,
  { digest, tag }: { readonly digest: string; readonly tag: string | null },
): Readonly<Record<string, string>> => ({
  ref: `${repository}@${digest}`,
  digest,
  repository,
  ...(tag === null ? {} : { tag }),
})
