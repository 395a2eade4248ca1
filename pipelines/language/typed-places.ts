import type { Path } from './diagnostic.ts'

/**
 * Where scalars are what YAML says they are, and not their text: in what an image of a custom type is told. A version is not among it:
 * the protocol knows versions of texts alone.
 *
 * @param custom  The resources whose type is an image's.
 */
export function typedPlaces(custom: ReadonlySet<string>): (path: Path) => boolean {
  const isCustom = (name: Path[number] | undefined) => typeof name === 'string' && custom.has(name)
  return (path) => {
    const [first, , third] = path
    if (first === 'resources' || first === 'resource_types') return third === 'source'
    if (first !== 'jobs') return false
    return path.some(
      (key, index) =>
        (key === 'put' && isCustom(path[index + 1])) ||
        (key === 'get' && isCustom(path[index + 1]) && path[index + 2] === 'params'),
    )
  }
}
