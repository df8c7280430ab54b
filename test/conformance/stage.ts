// How do many cases share one proxy? One after another: the objects of a case replace those of the case before, and the case begins
// when the proxy serves them. A start for each would cost more than all their requests.
import type { KubeObject } from '../../shared/kube/objects.ts'
import { ask, until } from '../support/ask.ts'
import { createManifestFolder, ingressOf, type ManifestFolder } from '../support/manifests.ts'
import { type ProxyProcess, startProxyProcess } from '../support/proxy-process.ts'
import { type ConformanceCase, classRulesOf } from './objects.ts'

/** A running proxy and the objects that it reads. */
class Stage {
  readonly proxy: ProxyProcess
  readonly #folder: ManifestFolder
  readonly #ingressClass: string
  #shown = 0

  constructor(proxy: ProxyProcess, folder: ManifestFolder, ingressClass: string) {
    this.proxy = proxy
    this.#folder = folder
    this.#ingressClass = ingressClass
  }

  /** Replaces all objects and waits until the proxy serves by them. */
  readonly show = async (objects: readonly KubeObject[]): Promise<void> => {
    const host = this.replace(objects)
    const answer = () => ask(this.proxy.port, { host })
    await until('the objects are served', answer, ({ status }) => status === 503)
  }

  /**
   * Replaces all objects. Returns a host that no case knows, whose Ingress comes with them: 503, as its Service is missing, says that
   * the proxy serves by them.
   */
  readonly replace = (objects: readonly KubeObject[]): string => {
    this.#shown += 1
    const host = `shown-${this.#shown}.stage.test`
    const { spec, ...mark } = ingressOf('stage', [{ host, service: 'none' }])
    const ofClass = { ...mark, spec: { ...spec, ingressClassName: this.#ingressClass } }
    this.#folder.write('objects.json', [...objects, ofClass])
    return host
  }

  async close(): Promise<void> {
    await this.proxy.stop()
    this.#folder.dispose()
  }
}

/** As many proxies as there are cases at a time. */
export class Stages {
  readonly #all: Stage[] = []
  readonly #idle = new Map<string, Stage[]>()

  /** Plays on a proxy with the settings of a case that nobody else uses meanwhile. */
  async use(conformance: ConformanceCase, play: (stage: Stage) => Promise<void>): Promise<void> {
    const { ingressClasses, controllerClasses } = classRulesOf(conformance)
    const key = ingressClasses.join()
    const idle = this.#idle.get(key) ?? []
    this.#idle.set(key, idle)
    const stage = idle.pop() ?? (await this.#start(ingressClasses, controllerClasses))
    await play(stage)
    idle.push(stage)
  }

  async #start(
    ingressClasses: readonly string[],
    controllerClasses: readonly string[],
  ): Promise<Stage> {
    const folder = createManifestFolder()
    const flags = [
      '--manifests',
      folder.path,
      '--log-level',
      'info',
      '--access-log',
      'off',
      '--h2c',
    ]
    for (const name of ingressClasses) flags.push('--ingress-class', name)
    for (const value of controllerClasses) flags.push('--controller-class', value)
    folder.write('objects.json', [])
    const stage = new Stage(await startProxyProcess({ flags }), folder, ingressClasses[0] ?? '')
    this.#all.push(stage)
    return stage
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((stage) => stage.close()))
  }
}
