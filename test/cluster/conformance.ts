// Every conformance case through real objects: the API server's admission and defaulting between the case and the proxy.
// Cases run side by side: each has namespaces, classes and a proxy of its own, under names of its own.
import type { Ingress, IngressClass, KubeObject } from '../../shared/kube/objects.ts'
import { type Asserts, checkExpectations } from '../conformance/expectations.ts'
import {
  buildObjects,
  type CaseEndpoint,
  type ConformanceCase,
  classRulesOf,
  readCases,
} from '../conformance/objects.ts'
import { checkScaleUp, isScaleUp, play } from '../conformance/play.ts'
import { Pods } from '../conformance/pods.ts'
import { startProxyProcess } from '../support/proxy-process.ts'
import { installAccess } from './chart-access.ts'
import { hostAddress } from './servers.ts'
import type { Stage, Suite } from './stage.ts'

const atATime = 3

/** All cases. */
export const conformanceSuite: Suite = { name: 'conformance', run }

async function run(stage: Stage): Promise<void> {
  await installAccess(stage, 'default')
  const cases = readCases().map((conformance, index) => new CaseRun(stage, conformance, index))
  // A default class is everybody's: such a case has the cluster to itself.
  const shy = cases.filter((each) => each.hasDefaultClass)
  const queue = cases.filter((each) => !each.hasDefaultClass)
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next.check()
    }),
  )
  for (const each of shy) await each.check()
}

class CaseRun {
  readonly #stage: Stage
  readonly #conformance: ConformanceCase
  /** Before every namespace of the case, and in every class and controller. */
  readonly #prefix: string

  constructor(stage: Stage, conformance: ConformanceCase, index: number) {
    this.#stage = stage
    this.#conformance = conformance
    this.#prefix = `case${index}`
  }

  get hasDefaultClass(): boolean {
    return this.#conformance.controllerClass?.endsWith('(default)') === true
  }

  async check(): Promise<void> {
    const { id, scenario } = this.#conformance
    await this.#stage.check(`${id}: ${scenario}`, () => this.#run())
  }

  async #run(): Promise<void> {
    const { admin, servers } = this.#stage
    const pods = new Pods()
    const made: KubeObject[] = []
    const findings: string[] = []
    try {
      await this.#startPods(pods)
      await this.#create(pods, isScaleUp(this.#conformance) ? 1 : undefined, made)
      const proxy = await startProxyProcess({
        flags: [...this.#flags(), '--access-log', 'off'],
        env: servers.env,
        timeoutMs: 30_000,
      })
      try {
        for (const request of this.#conformance.requests) {
          const outcome = { conformance: this.#conformance, request }
          const asserts = assertsInto(findings, `${request.method} ${request.host}${request.path}`)
          if (request.expect.distinctPods === undefined) {
            checkExpectations(asserts, { ...outcome, sights: await play(proxy, pods, request) })
          } else {
            const scaleUp = () => this.#create(pods, undefined, made)
            await checkScaleUp(asserts, { ...outcome, pods, proxy, scaleUp })
          }
        }
      } finally {
        await proxy.stop()
      }
    } finally {
      for (const object of made) {
        if (object.kind === 'Ingress' || object.kind === 'IngressClass') await admin.remove(object)
      }
      await pods.close()
    }
    if (findings.length > 0) throw new Error(findings.join('\n'))
  }

  async #startPods(pods: Pods): Promise<void> {
    const wanted: CaseEndpoint[] = []
    buildObjects(this.#conformance, (endpoint) => {
      wanted.push(endpoint)
      return { address: hostAddress, port: endpoint.port }
    })
    for (const endpoint of wanted) await pods.start(endpoint, hostAddress)
  }

  /** Applies the case's objects; the API server gives times of whole seconds, so elder Ingresses come first. */
  async #create(pods: Pods, maxEndpoints: number | undefined, made: KubeObject[]): Promise<void> {
    const { admin } = this.#stage
    const built = buildObjects(
      this.#conformance,
      (endpoint) => pods.placeOf(endpoint),
      maxEndpoints,
    )
    const { ingressClasses, ingresses, services, endpointSlices } = built
    const inNamespaces = [...services, ...endpointSlices].map((object) => this.#move(object))
    const all = [...inNamespaces, ...ingresses.map((object) => this.#move(object))]
    await admin.createNamespaces(all.map(({ metadata }) => metadata?.namespace ?? ''))
    made.push(...(await admin.applyAll(ingressClasses.map((object) => this.#renameClass(object)))))
    await admin.applyAll(inNamespaces)
    let lastAge: string | undefined
    for (const ingress of ingresses.toSorted(byAge)) {
      const age = ingress.metadata?.creationTimestamp
      if (lastAge !== undefined && age !== lastAge) await nextSecond()
      lastAge = age ?? ''
      made.push(...(await admin.applyAll([this.#move(this.#renameClassOf(ingress))])))
    }
  }

  #flags(): string[] {
    const { ingressClasses, controllerClasses } = classRulesOf(this.#conformance)
    return [
      ...ingressClasses.flatMap((name) => ['--ingress-class', this.#own(name)]),
      ...controllerClasses.flatMap((value) => ['--controller-class', this.#own(value)]),
    ]
  }

  #own(name: string): string {
    return `${name}-${this.#prefix}`
  }

  #move<T extends KubeObject>(object: T): T {
    const { namespace = 'default', creationTimestamp: _, ...rest } = object.metadata ?? {}
    return { ...object, metadata: { ...rest, namespace: `${this.#prefix}-${namespace}` } }
  }

  #renameClass(object: IngressClass): IngressClass {
    return {
      ...object,
      metadata: { ...object.metadata, name: this.#own(object.metadata?.name ?? '') },
      spec: { controller: this.#own(object.spec?.controller ?? '') },
    }
  }

  #renameClassOf(ingress: Ingress): Ingress {
    const legacy = 'kubernetes.io/ingress.class'
    const { annotations = {} } = ingress.metadata ?? {}
    const name = ingress.spec?.ingressClassName
    const renamed = annotations[legacy]
    return {
      ...ingress,
      metadata: {
        ...ingress.metadata,
        annotations: renamed ? { ...annotations, [legacy]: this.#own(renamed) } : annotations,
      },
      spec: { ...ingress.spec, ...(name ? { ingressClassName: this.#own(name) } : {}) },
    }
  }
}

function byAge(a: Ingress, b: Ingress): number {
  const [x = '', y = ''] = [a, b].map(({ metadata }) => metadata?.creationTimestamp ?? '')
  return x < y ? -1 : x > y ? 1 : 0
}

function nextSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1050))
}

/** Collects what does not hold. */
function assertsInto(findings: string[], where: string): Asserts {
  const show = (value: unknown) => JSON.stringify(value)
  const find = (message: string) => void findings.push(`${where}: ${message}`)
  return {
    ok: (isTrue, message = '') => isTrue || find(message),
    equal(found, wanted, message = '') {
      if (found !== wanted) find(`${message}: ${show(found)} is not ${show(wanted)}`)
    },
    same(found, wanted, message = '') {
      if (show(found) !== show(wanted)) find(`${message}: ${show(found)} is not ${show(wanted)}`)
    },
    fail: find,
  }
}
