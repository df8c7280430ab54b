// Situations of real clusters as files: golden/<case>.yaml holds the objects, golden/<case>.json what becomes of them.
// `UPDATE=1` writes the results anew; the diff is what a review looks at.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { KubeObject } from '../kube/objects.ts'
import type { Like } from '../like.ts'
import { servicePort } from '../options-kinds.ts'
import { parseYamlDocuments } from '../yaml.ts'
import { annotationReader } from './ingress/annotations/read.ts'
import { createIngressSource } from './ingress/source.ts'
import { matchKey } from './match-key.ts'
import { entriesOf, getEntry } from './sharded-map.ts'
import { upstreamOf } from './table.ts'
import { type Cluster, snapshotOf } from './testing/cluster.ts'
import { routesIn, upstreamsIn } from './testing/table.ts'
import { type Translation, translate } from './translate.ts'

/** The document `kind: TranslateOptions` of a case; everything else has the defaults of the flags. */
interface CaseOptions extends KubeObject {
  readonly defaultBackend?: string
  readonly externalNames?: readonly string[]
  readonly backendUrls?: readonly string[]
  readonly ignoreAnnotations?: readonly string[]
  readonly pathWildcards?: boolean
  readonly ingressClasses?: readonly string[]
  readonly controllerClasses?: readonly string[]
  readonly watchWithoutClass?: boolean
  readonly like?: Like
  /** Its name; in `default`. */
  readonly configMap?: string
}

const folder = new URL('golden/', import.meta.url)

function readDocuments(file: string): readonly KubeObject[] {
  const { documents, errors } = parseYamlDocuments(readFileSync(new URL(file, folder), 'utf8'))
  if (errors.length > 0) throw new Error(`${file}: ${JSON.stringify(errors)}`)
  return JSON.parse(JSON.stringify(documents))
}

function objectsOf(documents: readonly KubeObject[]): Cluster {
  const ofKind = (kind: string) => documents.filter((document) => document.kind === kind)
  return {
    ingresses: ofKind('Ingress'),
    ingressClasses: ofKind('IngressClass'),
    services: ofKind('Service'),
    endpointSlices: ofKind('EndpointSlice'),
    configMaps: ofKind('ConfigMap'),
    routeGroups: ofKind('RouteGroup'),
  }
}

function optionsOf(documents: readonly KubeObject[]) {
  const given: CaseOptions =
    documents.find((document) => document.kind === 'TranslateOptions') ?? ({} satisfies KubeObject)
  const backend = servicePort.parse([given.defaultBackend ?? ''])
  return {
    classRules: {
      ingressClasses: given.ingressClasses ?? ['weir'],
      controllerClasses: given.controllerClasses ?? ['weir.dev/ingress'],
      watchWithoutClass: given.watchWithoutClass ?? false,
    },
    externalNames: given.externalNames ?? [],
    backendUrls: given.backendUrls ?? [],
    readAnnotations: annotationReader({
      ignored: given.ignoreAnnotations ?? [],
      pathWildcards: given.pathWildcards ?? false,
    }),
    ingressSettings: {
      like: given.like,
      ...(given.configMap && { configMap: { namespace: 'default', name: given.configMap } }),
    },
    ...(backend === undefined ? {} : { defaultBackend: { ...backend, service: backend.name } }),
  }
}

/**
 * As the files list it: routes in the order in which the objects ask for their matches, upstreams in the order in which
 * these routes need them; then those that no object asks for as it stands, by name. The table itself has no such order.
 */
function listOf(
  { table, problems }: Translation,
  cluster: Cluster,
  { classRules, readAnnotations, ingressSettings }: ReturnType<typeof optionsOf>,
) {
  const source = createIngressSource(classRules, readAnnotations, ingressSettings)
  const { readings } = source.read(snapshotOf(cluster))
  const claims = readings.flatMap((reading) => reading.claims)
  const byKey = new Map(routesIn(table).map((route) => [matchKey(route.match), route]))
  const keys = new Set(claims.map(({ route }) => matchKey(route.match)))
  const rest = [...byKey.keys()].filter((key) => !keys.has(key)).sort()
  const routes = [...keys, ...rest].flatMap((key) => byKey.get(key) ?? [])
  const needed = routes.flatMap(({ backend, ...route }) => {
    const { alternative, ...own } = { alternative: undefined, ...backend }
    const claim = claims.find((claim) => isDeepStrictEqual(claim.route, { ...route, backend: own }))
    const joined = alternative === undefined ? [] : [{ key: alternative.upstream }]
    return [...(claim?.backends ?? []), ...joined]
  })
  const { fallback, certificates } = table
  const upstreams = new Set([
    ...needed.map(({ key }) => getEntry(table.upstreams, key)),
    ...(fallback === undefined ? [] : [getEntry(table.upstreams, upstreamOf(fallback))]),
  ])
  upstreams.delete(undefined)
  for (const upstream of upstreamsIn(table)) {
    upstreams.add(upstream)
  }
  return {
    table: {
      routes,
      upstreams: [...upstreams],
      ...(fallback === undefined ? {} : { fallback }),
      ...(certificates && {
        certificates: Object.fromEntries([...entriesOf(certificates)].sort()),
      }),
    },
    problems,
  }
}

const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
t.ok(files.length >= 40, 'the golden folder was found')

for (const file of files) {
  t.test(file.replace('.yaml', ''), async (t) => {
    const documents = readDocuments(file)
    const cluster = objectsOf(documents)
    const options = optionsOf(documents)
    const translation = translate(snapshotOf(cluster), options)
    const result = listOf(translation, cluster, options)
    t.equal(result.table.routes.length, routesIn(translation.table).length, 'all are listed')
    t.equal(result.table.upstreams.length, upstreamsIn(translation.table).length)
    const expected = new URL(file.replace('.yaml', '.json'), folder)
    if (process.env.UPDATE === '1') {
      writeFileSync(expected, `${JSON.stringify(result, undefined, 2)}\n`)
    }
    // Through JSON: an absent field and one that is undefined are the same in a file.
    t.same(JSON.parse(JSON.stringify(result)), JSON.parse(readFileSync(expected, 'utf8')))
  })
}
