// The bill of materials is read by programs that decide whether an image may run: it must be whole and exact.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bundle } from './bundle.ts'
import type { BundledPackage } from './bundled-packages.ts'
import { licenceList, sbom } from './sbom.ts'

const self = { name: 'weir', version: '1.2.3', license: 'Apache-2.0' }

const left: BundledPackage = {
  folder: 'node_modules/@scope/left',
  name: '@scope/left',
  version: '2.0.0',
  license: 'MIT OR Apache-2.0',
  integrity: 'sha512-AAECAw==',
  bytes: 2048,
  isDirect: true,
  imports: ['node_modules/right'],
}
const right: BundledPackage = {
  folder: 'node_modules/right',
  name: 'right',
  version: '3.0.0',
  license: 'ISC',
  integrity: undefined,
  bytes: 10,
  isDirect: false,
  imports: [],
}

t.test('each package has its name, licence, hash and package URL', async (t) => {
  const { components } = JSON.parse(sbom(self, [left, right]))
  t.strictSame(components, [
    {
      type: 'library',
      'bom-ref': 'pkg:npm/%40scope/left@2.0.0',
      group: '@scope',
      name: 'left',
      version: '2.0.0',
      licenses: [{ expression: 'MIT OR Apache-2.0' }],
      hashes: [{ alg: 'SHA-512', content: '00010203' }],
      purl: 'pkg:npm/%40scope/left@2.0.0',
      properties: [{ name: 'weir:bytesInBundle', value: '2048' }],
    },
    {
      type: 'library',
      'bom-ref': 'pkg:npm/right@3.0.0',
      name: 'right',
      version: '3.0.0',
      licenses: [{ license: { id: 'ISC' } }],
      purl: 'pkg:npm/right@3.0.0',
      properties: [{ name: 'weir:bytesInBundle', value: '10' }],
    },
  ])
})

t.test('dependencies say who imports whom, from Weir down', async (t) => {
  const { dependencies } = JSON.parse(sbom(self, [left, right]))
  t.strictSame(dependencies, [
    { ref: 'pkg:npm/weir@1.2.3', dependsOn: ['pkg:npm/%40scope/left@2.0.0'] },
    { ref: 'pkg:npm/%40scope/left@2.0.0', dependsOn: ['pkg:npm/right@3.0.0'] },
    { ref: 'pkg:npm/right@3.0.0', dependsOn: [] },
  ])
})

t.test('the list for people names each package and sums the licences', async (t) => {
  const list = licenceList([left, right])
  t.match(list, /^@scope\/left 2\.0\.0 +MIT OR Apache-2\.0 +2\.0 KiB$/m)
  t.match(list, '2 packages: MIT OR Apache-2.0 1, ISC 1')
})

t.test('the real bundle is covered, and holds permissive licences only', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-sbom-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const packages = await bundle(join(folder, 'dist'))
  const written = readFileSync(join(folder, 'dist/sbom.cdx.json'), 'utf8')
  const { components } = JSON.parse(written) as { components: { purl: string }[] }
  t.equal(components.length, packages.length)
  const names = packages.map(({ name }) => name)
  for (const name of ['undici', 'pino', 'prom-client', 'yaml', '@kubernetes/client-node']) {
    t.ok(names.includes(name), name)
  }
  t.notOk(names.includes('esbuild'), 'tools are not shipped')
  for (const { name, version, license, integrity } of packages) {
    t.match(
      license,
      /^(MIT|MIT-0|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|Unlicense)$/,
      name,
    )
    t.match(integrity, /^sha512-/, `${name} ${version} is locked`)
  }
  await bundle(join(folder, 'again'))
  const again = readFileSync(join(folder, 'again/sbom.cdx.json'), 'utf8')
  t.equal(again, written, 'the same sources give the same bill')
})
