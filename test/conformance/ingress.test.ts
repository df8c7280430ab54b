// Every conformance case with Ingresses against a freshly started proxy, over sockets: what clients and upstreams see.
//
// The pods of a case are echo upstreams on ports of 127.0.0.1; endpoints that must not be used run, too.
import t, { type Test } from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { createManifestFolder, type ManifestFolder } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { readEcho } from '../support/upstream.ts'
import { checkExpectations, type Outcome, type Sight, sentFields } from './expectations.ts'
import {
  buildObjects,
  type CaseEndpoint,
  type CaseRequest,
  type ConformanceCase,
  classRulesOf,
  readCases,
} from './objects.ts'
import { nameOf, Pods } from './pods.ts'

// A process each: more at a time than this only take turns on the processors.
const casesAtATime = 3
const evenSplitRequests = 200
const scaleUpPatienceMs = 20_000

t.jobs = casesAtATime
// 68 starts of a program: half a second each where the machine is free, more where it is not.
t.setTimeout(300_000)
const cases = readCases()
t.equal(cases.length, 68, 'every case with Ingresses was read')

for (const conformance of cases) {
  t.test(`${conformance.id}: ${conformance.scenario}`, { buffered: true }, async (t) => {
    const pods = await startPods(t, conformance)
    const scalesUp = conformance.requests.some(({ expect }) => expect.distinctPods !== undefined)
    const folder = createManifestFolder(objectsOf(conformance, pods, scalesUp ? 1 : undefined))
    t.teardown(() => folder.dispose())
    const proxy = await startProxy(t, conformance, folder)
    for (const request of conformance.requests) {
      if (request.expect.distinctPods !== undefined) {
        await checkScaleUp(t, { conformance, request, pods, folder, proxy })
      } else {
        const sights = await play(proxy, pods, request)
        checkExpectations(t, { conformance, request, sights })
      }
    }
  })
}

async function startPods(t: Test, conformance: ConformanceCase): Promise<Pods> {
  const pods = new Pods()
  t.teardown(() => pods.close())
  const wanted: CaseEndpoint[] = []
  buildObjects(conformance, (endpoint) => {
    wanted.push(endpoint)
    return { address: '127.0.0.1', port: endpoint.port }
  })
  for (const endpoint of wanted) await pods.start(endpoint)
  return pods
}

function objectsOf(
  conformance: ConformanceCase,
  pods: Pods,
  maxEndpoints: number | undefined,
): KubeObject[] {
  const objects = buildObjects(conformance, (endpoint) => pods.placeOf(endpoint), maxEndpoints)
  const { ingressClasses, ingresses, services, endpointSlices } = objects
  return [...ingressClasses, ...ingresses, ...services, ...endpointSlices]
}

async function startProxy(
  t: Test,
  conformance: ConformanceCase,
  folder: ManifestFolder,
): Promise<ProxyProcess> {
  const { ingressClasses, controllerClasses } = classRulesOf(conformance)
  const flags = ['--manifests', folder.path, '--log-level', 'info', '--access-log', 'off']
  for (const name of ingressClasses) flags.push('--ingress-class', name)
  for (const value of controllerClasses) flags.push('--controller-class', value)
  const proxy = await startProxyProcess({ flags, timeoutMs: 30_000 })
  t.teardown(() => proxy.stop())
  return proxy
}

/** Makes a request of a case as often as it says, on one connection or each on its own. */
async function play(proxy: ProxyProcess, pods: Pods, request: CaseRequest): Promise<Sight[]> {
  const isEven = request.expect.evenSplit !== undefined
  const times = isEven ? evenSplitRequests : (request.repeat ?? 1)
  const sights: Sight[] = []
  let client = await connectRaw(proxy.port)
  try {
    for (let count = 0; count < times; count += 1) {
      if (request.newConnectionEach === true && count > 0) {
        client.close()
        client = await connectRaw(proxy.port)
      }
      sights.push(await ask(client, proxy, pods, request))
    }
  } finally {
    client.close()
  }
  return sights
}

async function ask(
  client: RawClient,
  proxy: ProxyProcess,
  pods: Pods,
  { method, path, host }: CaseRequest,
): Promise<Sight> {
  // An empty host: the client knows nothing but the proxy's address.
  const fields = [`Host: ${host === '' ? `127.0.0.1:${proxy.port}` : host}`]
  for (const [name, value] of sentFields) fields.push(`${name}: ${value}`)
  if (method !== 'GET') fields.push('Content-Length: 0')
  const response = await client.request(
    `${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`,
  )
  const echo = response.status === 200 ? readEcho(response.body) : undefined
  return { response, echo, endpoint: pods.at(echo?.endpoint) }
}

interface ScaleUp extends Omit<Outcome, 'sights'> {
  readonly pods: Pods
  readonly folder: ManifestFolder
  readonly proxy: ProxyProcess
}

/** One endpoint serves; then there are all of them, and a running proxy has to notice. */
async function checkScaleUp(t: Test, scaleUp: ScaleUp): Promise<void> {
  const { conformance, request, pods, folder, proxy } = scaleUp
  const before = await play(proxy, pods, { ...request, repeat: 10 })
  const first = { ...request, expect: { ...request.expect, distinctPods: 1 } }
  checkExpectations(t, { conformance, request: first, sights: before })
  folder.write('objects.json', objectsOf(conformance, pods, undefined))
  const deadline = performance.now() + scaleUpPatienceMs
  const wanted = request.expect.distinctPods ?? 0
  let sights = await play(proxy, pods, request)
  while (podsIn(sights) < wanted && performance.now() < deadline) {
    t.ok(
      sights.every(({ response }) => response.status === 200),
      'no request fails during the change',
    )
    sights = await play(proxy, pods, request)
  }
  checkExpectations(t, { conformance, request, sights })
}

function podsIn(sights: readonly Sight[]): number {
  return new Set(sights.map(({ endpoint }) => endpoint && nameOf(endpoint))).size
}
