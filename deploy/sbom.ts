// What is the bundle made of? A software bill of materials in CycloneDX 1.6, for scanners, and a list for people.
// `npm run sbom` writes the one beside the bundle and prints the other.
//
// Invariant: the same sources and lock file give the same bytes, so there is neither a time nor a random number in it.
import type { BundledPackage, Manifest } from './bundled-packages.ts'

/** Gives the bill of materials as JSON. */
export function sbom(self: Manifest, packages: readonly BundledPackage[]): string {
  const refs = new Map(packages.map((each) => [each.folder, packageUrl(each)]))
  const known = (folder: string): string[] => {
    const ref = refs.get(folder)
    return ref === undefined ? [] : [ref]
  }
  const direct = packages.filter(({ isDirect }) => isDirect)
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': packageUrl(self),
        name: self.name,
        version: self.version,
        licenses: licences(self.license),
        purl: packageUrl(self),
      },
    },
    components: packages.map(component),
    dependencies: [
      { ref: packageUrl(self), dependsOn: unique(direct.map(packageUrl)) },
      ...packages.map((each) => ({
        ref: packageUrl(each),
        dependsOn: unique(each.imports.flatMap(known)),
      })),
    ],
  }
  return `${JSON.stringify(bill, undefined, 2)}\n`
}

function component(each: BundledPackage): object {
  const { version, license, bytes } = each
  return {
    type: 'library',
    'bom-ref': packageUrl(each),
    ...splitName(each.name),
    version,
    licenses: licences(license),
    ...(each.integrity !== undefined && { hashes: hashes(each.integrity) }),
    purl: packageUrl(each),
    properties: [{ name: 'weir:bytesInBundle', value: String(bytes) }],
  }
}

/** `@scope/name` has its scope as group. */
function splitName(name: string): { readonly group?: string; readonly name: string } {
  const slash = name.indexOf('/')
  return slash === -1 ? { name } : { group: name.slice(0, slash), name: name.slice(slash + 1) }
}

/** Package URL; the `@` of a scope is encoded. */
function packageUrl({ name, version }: Pick<Manifest, 'name' | 'version'>): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

/** A single identifier and an expression (`MIT OR Apache-2.0`) have places of their own. */
function licences(license: string): readonly object[] {
  return license.includes(' ') ? [{ expression: license }] : [{ license: { id: license } }]
}

/** npm writes `sha512-BASE64`, CycloneDX wants hexadecimal digits. */
function hashes(integrity: string): readonly object[] {
  return integrity.split(' ').flatMap((each) => {
    const [, bits, base64] = /^sha(256|384|512)-([^?]+)/.exec(each) ?? []
    if (bits === undefined || base64 === undefined) return []
    return [{ alg: `SHA-${bits}`, content: Buffer.from(base64, 'base64').toString('hex') }]
  })
}

/** Gives a line for each package (name, version, licence, KiB in the bundle) and the sum of each licence. */
export function licenceList(packages: readonly BundledPackage[]): string {
  const lines = packages.map(({ name, version, license, bytes }) =>
    [`${name} ${version}`.padEnd(52), license.padEnd(16), `${kib(bytes).padStart(7)} KiB`].join(
      ' ',
    ),
  )
  const sums = [...Map.groupBy(packages, ({ license }) => license)].map(
    ([license, group]) => `${license} ${group.length}`,
  )
  return `${lines.join('\n')}\n\n${packages.length} packages: ${sums.join(', ')}\n`
}

function kib(bytes: number): string {
  return (bytes / 1024).toFixed(1)
}

function unique(list: readonly string[]): readonly string[] {
  return [...new Set(list)].sort()
}
