// Does a real API server take what deploy/ tells people to apply, with strict validation, and refuse what Weir's own
// reading of manifests calls a mistake? And does its defaulting change what an Ingress means?
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { combinationFiles } from '../../deploy/render-chart.ts'
import { readManifest } from '../../shared/feed/manifest-files.ts'
import type { ClassRules } from '../../shared/ingress-class.ts'
import type {
  EndpointSlice,
  Ingress,
  IngressClass,
  KubeObject,
  Service,
} from '../../shared/kube/objects.ts'
import { endpointSlices, ingressClasses, ingresses, services } from '../../shared/kube/resources.ts'
import { type Cluster, snapshotOf } from '../../shared/routing/testing/cluster.ts'
import { translate } from '../../shared/routing/translate.ts'
import { parseObjects } from '../chart/combinations.ts'
import { findTool } from '../chart/tools.ts'
import { buildObjects, classRulesOf, readCases } from '../conformance/objects.ts'
import { chartNamespace, renderCombination } from './chart-access.ts'
import { customKinds } from './custom-kinds.ts'
import { mistakes } from './mistakes.ts'
import { hostAddress } from './servers.ts'
import type { Stage, Suite } from './stage.ts'

const deploy = resolve(import.meta.dirname, '../../deploy')

/** All examples. */
export const examplesSuite: Suite = { name: 'examples', run }

async function run(stage: Stage): Promise<void> {
  const { admin, check } = stage
  await admin.applyAll(customKinds)
  await check('demo: every object is taken, endpoints on loopback aside', () => checkDemo(stage))
  for (const name of combinationFiles().keys()) {
    await check(`chart ${name}: every object is taken`, () =>
      checkAll(stage, renderCombination(name)),
    )
  }
  const overlays = join(deploy, 'kubernetes/overlays')
  for (const name of readdirSync(overlays)) {
    await check(`overlay ${name}: every object is taken`, () =>
      checkAll(stage, buildOverlay(join(overlays, name))),
    )
    await check(`overlay ${name}: kubectl apply -k`, () => applyByKubectl(stage, overlays, name))
  }
  for (const { why, ingress, field } of mistakes) {
    await check(`refused: ${why}`, () => checkRefused(stage, ingress, field))
  }
  await check('defaulting changes no route of any conformance case', () => checkDefaulting(stage))
}

/** Applies without storing; throws all refusals. */
async function refusals({ admin }: Stage, objects: readonly KubeObject[]): Promise<string[]> {
  await admin.createNamespaces(objects.flatMap(({ metadata }) => metadata?.namespace ?? []))
  const refused: string[] = []
  for (const object of objects) {
    const answer = await admin.apply(object, { dryRun: true })
    const { kind, metadata } = object
    if (!answer.ok) refused.push(`${kind} ${metadata?.name}: ${answer.error.message}`)
  }
  return refused
}

async function checkAll(stage: Stage, objects: readonly KubeObject[]): Promise<string> {
  assert.deepEqual(await refusals(stage, objects), [])
  return `${objects.length} objects`
}

async function checkDemo(stage: Stage): Promise<string> {
  const objects = demoObjects()
  const refused = await refusals(stage, objects)
  const other = refused.filter((text) => !/^EndpointSlice .*may not be in the loopback/.test(text))
  assert.deepEqual(other, [])
  return `${objects.length} objects, ${refused.length} slices are for the demo without a cluster`
}

function demoObjects(): KubeObject[] {
  const folder = join(deploy, 'demo')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => parseObjects(readFileSync(join(folder, file), 'utf8')))
}

function buildOverlay(folder: string): KubeObject[] {
  const kustomize = findTool('kustomize')
  if (kustomize === undefined) throw new Error('kustomize is missing: run deploy/install-tools.sh')
  const { stdout, stderr, status } = spawnSync(kustomize, ['build', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return parseObjects(stdout)
}

/** As the reader of the manual does it. */
async function applyByKubectl(stage: Stage, overlays: string, name: string): Promise<string> {
  const { servers, binaries, folder, admin } = stage
  await admin.createNamespaces([chartNamespace])
  const { stdout, stderr, status } = spawnSync(
    join(binaries, 'kubectl'),
    [
      ...['apply', '-k', join(overlays, name), '--dry-run=server', '--validate=strict'],
      ...[`--server=${servers.url}`, `--token=${servers.adminToken}`],
      ...['--insecure-skip-tls-verify', `--cache-dir=${folder}/kubectl`],
    ],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: folder } },
  )
  assert.equal(status, 0, stderr)
  const words = stderr
    .split('\n')
    .filter((line) => line.startsWith('Warning'))
    // This test has made the namespace without kubectl.
    .filter((line) => !line.includes('last-applied-configuration'))
  assert.deepEqual(words, [])
  return `${stdout.trim().split('\n').length} objects`
}

async function checkRefused({ admin }: Stage, ingress: Ingress, field: RegExp): Promise<void> {
  const answer = await admin.apply(ingress, { dryRun: true })
  assert.ok(!answer.ok, 'the API server takes it')
  assert.match(answer.error.message, field)
}

/** Each case and the demo, as written and as the API server gives it back: one table. */
async function checkDefaulting({ admin }: Stage): Promise<string> {
  const added = new Set<string>()
  let count = 0
  for (const { name, written, classRules } of [...caseWorlds(), demoWorld()]) {
    const ask = async <T extends KubeObject>(objects: readonly T[]): Promise<T[]> => {
      await admin.createNamespaces(objects.flatMap(({ metadata }) => metadata?.namespace ?? []))
      const given: T[] = []
      for (const object of objects) {
        const answer = await admin.apply(object, { dryRun: true })
        if (!answer.ok) throw new Error(`${name}: ${answer.error.message}`)
        // The answer to an accepted apply is the object; its time is the case's, as that may be what it is about.
        const defaulted = answer.body as T
        const { creationTimestamp } = object.metadata ?? {}
        const metadata = { ...defaulted.metadata, ...(creationTimestamp && { creationTimestamp }) }
        given.push({ ...defaulted, metadata })
        noteAdded(added, object, defaulted)
        count += 1
      }
      return given
    }
    const stored: Cluster = {
      ...written,
      ingresses: await ask(written.ingresses),
      services: await ask(written.services),
      endpointSlices: await ask(written.endpointSlices),
    }
    const options = { classRules, externalNames: [] }
    const [before, after] = [written, stored].map(
      (objects) => translate(snapshotOf(objects), options).table,
    )
    assert.deepEqual(after, before, name)
  }
  return `${count} objects; added: ${[...added].sort().join(', ')}`
}

interface WrittenWorld {
  readonly name: string
  readonly written: Cluster
  readonly classRules: ClassRules
}

function caseWorlds(): WrittenWorld[] {
  const place = ({ port }: { readonly port: number }) => ({ address: hostAddress, port })
  return readCases().map((conformance) => ({
    name: conformance.id,
    written: buildObjects(conformance, place),
    classRules: classRulesOf(conformance),
  }))
}

function demoWorld(): WrittenWorld {
  const text = demoObjects().map((object) =>
    JSON.stringify(object).replaceAll('127.0.0.1', hostAddress),
  )
  const { objects } = readManifest('demo.yaml', text.join('\n---\n'), [
    ingresses,
    ingressClasses,
    services,
    endpointSlices,
  ])
  const of = <T extends KubeObject>(kind: string): T[] =>
    // The reader of manifests gives objects of the shape that their kind says.
    objects.filter((object) => object.kind === kind) as T[]
  return {
    name: 'demo',
    written: {
      ingresses: of<Ingress>('Ingress'),
      ingressClasses: of<IngressClass>('IngressClass'),
      services: of<Service>('Service'),
      endpointSlices: of<EndpointSlice>('EndpointSlice'),
    },
    classRules: {
      ingressClasses: ['weir'],
      controllerClasses: ['weir.dev/ingress'],
      watchWithoutClass: false,
    },
  }
}

/** Which fields of `spec` and of slices the API server fills in. */
function noteAdded(added: Set<string>, before: KubeObject, after: KubeObject): void {
  const walk = (where: string, a: unknown, b: unknown): void => {
    if (typeof b !== 'object' || b === null) return
    for (const [key, value] of Object.entries(b)) {
      const name = Array.isArray(b) ? `${where}[]` : `${where}.${key}`
      const own: unknown = typeof a === 'object' && a !== null ? Reflect.get(a, key) : undefined
      if (own === undefined) added.add(name)
      else walk(name, own, value)
    }
  }
  const { metadata: _, ...rest } = after
  walk(after.kind ?? '', before, rest)
}
