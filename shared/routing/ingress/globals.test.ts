// Do all Ingresses follow the ConfigMap, and only when it says something else?
import t from 'tap'
import type { ConfigMap, Ingress } from '../../kube/objects.ts'
import { type Cluster, emptyCluster, plainOptions, snapshotOf } from '../testing/cluster.ts'
import { readAnnotations } from './annotations/read.ts'
import type { IngressSettings } from './globals.ts'
import { createIngressSource } from './source.ts'

const path = { namespace: 'edge', name: 'controller' }

function mapOf(data: Record<string, string>, labels: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...path, labels }, data }
}

function ingressOf(name: string, annotations: Record<string, string> = {}): Ingress {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] }
  return {
    metadata: { name, namespace: 'shop', annotations },
    spec: { ingressClassName: 'weir', rules: [{ host: `${name}.test`, http }] },
  }
}

const web = ingressOf('web')
const ownSize = ingressOf('own', { 'nginx.ingress.kubernetes.io/proxy-body-size': '2m' })
const cluster: Cluster = { ...emptyCluster, ingresses: [web, ownSize] }

function follow(settings: IngressSettings) {
  const source = createIngressSource(plainOptions.classRules, readAnnotations, settings)
  return (configMaps: readonly ConfigMap[]) => source.read(snapshotOf({ ...cluster, configMaps }))
}

const other: ConfigMap = {
  metadata: { ...path, namespace: 'shop' },
  data: { 'proxy-body-size': '3m' },
}

function sizesOf(output: ReturnType<ReturnType<typeof follow>>) {
  return output.readings
    .flatMap(({ claims }) => claims)
    .map(({ route: { backend } }) =>
      backend.kind === 'forward' ? backend.limits?.maxBodyBytes : backend.kind,
    )
}

const problemsOf = (output: ReturnType<ReturnType<typeof follow>>) =>
  output.readings.flatMap(({ problems }) => problems)

t.test('a change reaches every Ingress, and an annotation is stronger', async (t) => {
  const read = follow({ configMap: path })
  t.strictSame(sizesOf(read([mapOf({})])), [undefined, 2 << 20])
  t.strictSame(sizesOf(read([other, mapOf({ 'proxy-body-size': '1k' })])), [1024, 2 << 20])
  t.strictSame(sizesOf(read([mapOf({ 'proxy-body-size': '0' })])), [undefined, 2 << 20])
})

t.test('what says the same again reads nothing again', async (t) => {
  const read = follow({ configMap: path, like: 'ingress-nginx' })
  const before = read([mapOf({ 'proxy-body-size': '1k' })])
  t.equal(read([mapOf({ 'proxy-body-size': '1k' })]).readings.at(-1), before.readings.at(-1))
  const object = mapOf({ 'proxy-body-size': '1024' }, { version: '2' })
  const after = read([object])
  t.equal(after.readings.at(-1), before.readings.at(-1), 'the same size in other words')
  t.equal(read([object]), after, 'the same object')
})

t.test('without the option a ConfigMap of that name is nobody’s', async (t) => {
  const read = follow({})
  t.strictSame(sizesOf(read([mapOf({ 'proxy-body-size': '1k' })])), [undefined, 2 << 20])
  t.equal(follow({})([]).readings.length, 2)
})

t.test('one that is not there is a problem; one that goes away still counts', async (t) => {
  const read = follow({ configMap: path, like: 'ingress-nginx' })
  const missing = read([])
  t.strictSame(sizesOf(missing), [1 << 20, 2 << 20])
  t.match(problemsOf(missing), [
    { reason: 'asset-missing', kind: 'ConfigMap', ...path, message: /have their defaults/ },
  ])
  const found = read([mapOf({ 'denylist-source-range': '192.0.2.1', 'proxy-body-size': '1k' })])
  t.strictSame(problemsOf(found), [])
  const gone = read([])
  t.strictSame(sizesOf(gone), [1024, 2 << 20])
  t.match(problemsOf(gone), [{ message: /what it last said counts/ }])
  t.equal(read([]), gone)
})

t.test('a guarded value that is wrong closes all routes until it is mended', async (t) => {
  const read = follow({ configMap: path })
  t.strictSame(sizesOf(read([mapOf({ 'denylist-source-range': 'x' })])), ['closed', 'closed'])
  t.strictSame(sizesOf(read([mapOf({ 'denylist-source-range': '' })])), [undefined, 2 << 20])
})

t.test('what the operator does not want is left out whole, and said', async (t) => {
  const catchAll: Ingress = {
    ...web,
    spec: { ...web.spec, defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  }
  const worded = ingressOf('worded', { 'nginx.ingress.kubernetes.io/app-root': '/by_lua/x' })
  const elsewhere = ingressOf('elsewhere', { 'example.com/note': 'by_lua' })
  const ingresses = [catchAll, worded, elsewhere]
  const configMaps = [mapOf({ 'annotation-value-word-blocklist': '_module,by_lua' })]
  for (const disableCatchAll of [true, false]) {
    const settings = { configMap: path, disableCatchAll }
    const source = createIngressSource(plainOptions.classRules, readAnnotations, settings)
    const { readings } = source.read(snapshotOf({ ...cluster, ingresses, configMaps }))
    const served = readings.map(({ claims }) => claims.length > 0)
    t.strictSame(served, [false, !disableCatchAll, false, true])
    t.match(
      readings.flatMap(({ problems }) => problems),
      [
        ...(disableCatchAll ? [{ reason: 'left-out', field: 'spec.defaultBackend' }] : []),
        { reason: 'left-out', name: 'worded', message: /"by_lua"/ },
      ],
    )
  }
})

t.test('blocked addresses stay out whatever an annotation says', async (t) => {
  const own = ingressOf('own', { 'nginx.ingress.kubernetes.io/denylist-source-range': '192.0.2.9' })
  const source = createIngressSource(plainOptions.classRules, readAnnotations, { configMap: path })
  const configMaps = [mapOf({ 'block-cidrs': '192.0.2.1', 'denylist-source-range': '192.0.2.2' })]
  const { readings } = source.read(snapshotOf({ ...cluster, ingresses: [web, own], configMaps }))
  const lists = readings.flatMap(({ claims }) => claims).map(({ route }) => route.filters[0])
  t.match(lists, [{ deny: ['192.0.2.1', '192.0.2.2'] }, { deny: ['192.0.2.1', '192.0.2.9'] }])
})
