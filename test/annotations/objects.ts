// Which objects does the proxy see at each moment of a case? All of a case in one file of a manifest folder, so that a step's
// changes arrive together; a marker Ingress in it shows the player when they did.
import type { Ingress, IngressClass } from '../../shared/kube/objects.ts'
import type { ManifestFolder } from '../support/manifests.ts'
import { type AnnotationCase, type CaseObject, configMapName, type Step } from './case.ts'
import type { Certificates } from './certificates.ts'

/** Host of the marker Ingresses: where they redirect to tells which version of which case is in use. */
export const markerHost = (id: string): string => `${id}.marker.test`

/** Target of the redirect that stands for a version of a case's objects. */
export const markerTarget = (version: number): string => `http://marker.test/${version}`

/** The IngressClass that exists in every case unless it says otherwise. */
export const nginxClass: IngressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: { controller: 'k8s.io/ingress-nginx' },
}

/** The objects of one case while it is played. */
export class CaseObjects {
  readonly #case: AnnotationCase
  readonly #folder: ManifestFolder
  readonly #certificates: Certificates
  readonly #objects = new Map<string, CaseObject>()
  #version = 0

  constructor(annotationCase: AnnotationCase, folder: ManifestFolder, certificates: Certificates) {
    this.#case = annotationCase
    this.#folder = folder
    this.#certificates = certificates
    for (const object of annotationCase.objects) this.#put(object)
    if (annotationCase.config !== undefined) this.#put(configMap(annotationCase.config))
  }

  /** Number of the version that was written last. */
  get version(): number {
    return this.#version
  }

  /** The objects of this moment. */
  get all(): readonly CaseObject[] {
    return [...this.#objects.values()]
  }

  /** The certificate that a Secret holds, in PEM; undefined: there is no such Secret. */
  async certificateOf(secret: string): Promise<string | undefined> {
    const found = this.all.find(
      ({ kind, metadata }) => kind === 'Secret' && metadata?.name === secret,
    )
    if (found?.$generate === undefined) return undefined
    const { include: _, ...wish } = found.$generate
    return (await this.#certificates.get(this.#case.id, wish)).cert
  }

  /** Takes over what a step changes. */
  change({ apply = [], delete: gone = [], config }: Step): void {
    for (const object of apply) this.#put(object)
    for (const { kind, namespace = this.#case.id, name } of gone) {
      this.#objects.delete(`${kind}/${namespace}/${name}`)
    }
    if (config !== undefined) this.#put(configMap(config))
  }

  /** Writes all objects of this moment. */
  async write(): Promise<void> {
    this.#version += 1
    const objects = await Promise.all(this.all.map((each) => this.#fill(each)))
    this.#folder.write(`${this.#case.id}.json`, [...objects, this.#marker()])
  }

  #put(object: CaseObject): void {
    const { kind, metadata } = object
    this.#objects.set(`${kind}/${metadata?.namespace ?? ''}/${metadata?.name}`, object)
  }

  /** Makes the certificate of a Secret that asks for one. */
  async #fill({ $generate: wish, ...object }: CaseObject): Promise<CaseObject> {
    if (wish === undefined) return object
    const { include = ['tls'], ...certificate } = wish
    const made = await this.#certificates.get(this.#case.id, certificate)
    const data: Record<string, string> = {}
    if (include.includes('tls')) {
      data['tls.crt'] = base64(made.cert)
      data['tls.key'] = base64(made.key)
    }
    if (include.includes('ca.crt')) data['ca.crt'] = base64(made.ca)
    return { ...object, data }
  }

  #marker(): Ingress {
    const { id, options: { ingressClass = 'nginx' } = {} } = this.#case
    const backend = { service: { name: 'nobody', port: { number: 80 } } }
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: 'marker',
        namespace: `marker-${id}`,
        annotations: {
          'nginx.ingress.kubernetes.io/permanent-redirect': markerTarget(this.#version),
          'nginx.ingress.kubernetes.io/enable-global-auth': 'false',
        },
      },
      spec: {
        ingressClassName: ingressClass,
        rules: [
          {
            host: markerHost(id),
            http: { paths: [{ path: '/', pathType: 'Prefix', backend }] },
          },
        ],
      },
    }
  }
}

function configMap(data: Readonly<Record<string, string>>): CaseObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: configMapName,
    data,
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
