// Every conformance case with Ingresses against a running proxy, over sockets: what clients and upstreams see.
//
// The pods of a case are echo upstreams on ports of 127.0.0.1; endpoints that must not be used run, too.
import t, { type Test } from 'tap'
import type { KubeObject } from '../../shared/kube/objects.ts'
import { checkExpectations } from './expectations.ts'
import { buildObjects, type CaseEndpoint, type ConformanceCase, readCases } from './objects.ts'
import { checkScaleUp, isScaleUp, play, versions } from './play.ts'
import { Pods } from './pods.ts'
import { Stages } from './stage.ts'

// A proxy each: more at a time than this only take turns on the processors.
const casesAtATime = 3

t.jobs = casesAtATime
t.setTimeout(300_000)
const stages = new Stages()
t.teardown(() => stages.close())
const cases = readCases()
t.equal(cases.length, 68, 'every case with Ingresses was read')

for (const conformance of cases) {
  t.test(`${conformance.id}: ${conformance.scenario}`, { buffered: true }, async (t) => {
    const pods = await startPods(t, conformance)
    await stages.use(conformance, async ({ proxy, show, replace }) => {
      await show(objectsOf(conformance, pods, isScaleUp(conformance) ? 1 : undefined))
      for (const request of conformance.requests) {
        if (request.expect.distinctPods !== undefined) {
          const scaleUp = async () => void replace(objectsOf(conformance, pods, undefined))
          await checkScaleUp(t, { conformance, request, pods, proxy, scaleUp })
        } else {
          for (const version of versions) {
            const sights = await play(proxy, pods, request, version)
            checkExpectations(t, { conformance, request, sights, version: version.name })
          }
        }
      }
    })
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
