// What can a case of test/cases/nginx-annotations.json say? Its words as types; `about` in the file explains each of them.
import { readFileSync } from 'node:fs'
import type { SecureVersion } from 'node:tls'
import type { EndpointSlice, Ingress, KubeObject, Service } from '../../shared/kube/objects.ts'

/** A Kubernetes object of a case; a Secret with `$generate` is filled by the player. */
export interface CaseObject extends KubeObject {
  readonly $generate?: Generate
  /** Of a ConfigMap or Secret. */
  readonly data?: Readonly<Record<string, string>>
}

/** Tells whether an object is of this kind: the kind says which fields it has. */
export function isIngress(object: KubeObject): object is Ingress {
  return object.kind === 'Ingress'
}

/** Tells whether an object is a Service. */
export function isService(object: KubeObject): object is Service {
  return object.kind === 'Service'
}

/** Tells whether an object is a slice of endpoints. */
export function isSlice(object: KubeObject): object is EndpointSlice {
  return object.kind === 'EndpointSlice'
}

/** The global ConfigMap, as `about` names it. */
export const configMapName = { namespace: 'ingress-nginx', name: 'ingress-nginx-controller' }

/** What a generated Secret holds. */
export interface Generate {
  readonly hosts: readonly string[]
  readonly cn?: string
  /** Name of an authority of the case; absent: the certificate signs itself. */
  readonly ca?: string
  readonly include?: readonly ('tls' | 'ca.crt')[]
  /** Another number: another certificate. */
  readonly version?: number
}

/** What the controller's flags say in a case. */
export interface CaseOptions {
  readonly trustedProxies?: readonly string[]
  readonly proxyProtocol?: 'required' | 'optional'
  readonly proxyProtocolFrom?: readonly string[]
  readonly ingressClass?: string
  readonly controllerClass?: string
  readonly watchIngressWithoutClass?: boolean
  readonly ingressClassByName?: boolean
  readonly noIngressClasses?: boolean
  readonly defaultBackend?: string
  readonly externalNames?: readonly string[]
  readonly defaultCertificate?: string
  readonly disableCatchAll?: boolean
  readonly sslPassthrough?: boolean
  readonly watchNamespaceSelector?: string
  readonly drainSeconds?: number
}

/** How an endpoint stands: it answers, refuses connections, says nothing, resets them, or connecting never ends. */
export type State = 'up' | 'refused' | 'silent' | 'reset' | 'blackhole'

/** A scripted answer of a Service. */
export interface Answer {
  readonly when?: {
    readonly method?: string
    readonly path?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly endpoint?: number
    readonly lacks?: string
  }
  readonly times?: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  readonly bodyBytes?: number
  readonly delayMs?: number
  readonly grpcStatus?: number
}

/** What the endpoints of one Service do. */
export interface CaseBackend {
  readonly answers?: readonly Answer[]
  readonly protocol?: 'http' | 'https' | 'grpc' | 'grpcs' | 'fcgi'
  readonly certificate?: { readonly ca?: string; readonly hosts: readonly string[] }
  readonly clientCa?: string
  readonly listen?: readonly string[]
  readonly state?: State
}

/** How a client speaks TLS. */
export interface ClientTls {
  readonly sni?: string
  /** It shows a certificate of an authority of the case. */
  readonly client?: { readonly ca: string; readonly cn: string }
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  readonly ciphers?: string
}

/** A request of a client. */
export interface CaseRequest {
  readonly method?: string
  readonly host?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  readonly bodyBytes?: number
  readonly version?: string
  readonly from?: string
  readonly tls?: ClientTls
  readonly http2?: boolean
  readonly grpc?: boolean
  readonly proxyProtocol?: string
  readonly raw?: string
  /** With `raw`: how long answers are waited for. */
  readonly waitMs?: number
  readonly jar?: string
  readonly connection?: string
  readonly pause?: { readonly afterBytes: number; readonly ms: number }
  readonly timeoutSeconds?: number
}

/** A value that is looked at: a text (the whole value), or what must hold of it. */
export type Wanted =
  | string
  | number
  | boolean
  | {
      readonly regex?: string
      readonly contains?: string
      readonly lacks?: string
      readonly equals?: string
      readonly oneOf?: readonly string[]
      readonly list?: readonly string[]
      readonly has?: string
      readonly count?: number
      readonly absent?: boolean
      readonly optional?: boolean
      readonly secondsFromNow?: number
    }

/** A number, or the range it lies in. */
export type WantedNumber = number | { readonly min?: number; readonly max?: number }

/** Cookie: its name, and attributes by their names. */
export interface WantedCookie {
  readonly name: string
  readonly value?: Wanted
  readonly absent?: boolean
  readonly lifetimeSeconds?: number
  readonly [attribute: string]: Wanted | undefined
}

/** What a Service got. */
export interface WantedAtService {
  readonly count?: WantedNumber
  readonly method?: Wanted
  readonly path?: Wanted
  readonly host?: Wanted
  readonly protocol?: Wanted
  readonly headers?: Readonly<Record<string, Wanted>>
  readonly body?: Wanted
  readonly bodyBytes?: WantedNumber
  readonly tls?: boolean | { readonly client?: string; readonly sni?: string }
}

/** What a step expects of its requests. */
export interface Expect {
  readonly status?: number | string | readonly (number | string)[]
  readonly servedBy?: string | readonly string[] | null
  readonly headers?: Readonly<Record<string, Wanted>>
  readonly body?: Wanted
  readonly bodyBytes?: WantedNumber
  readonly upstreamSaw?: WantedAtService
  readonly saw?: Readonly<Record<string, WantedAtService | null>>
  readonly cookie?: WantedCookie | readonly WantedCookie[]
  readonly withinMs?: WantedNumber
  readonly statuses?: Readonly<Record<string, WantedNumber>>
  readonly distribution?: {
    readonly services?: Readonly<Record<string, WantedNumber>>
    readonly endpoints?: { readonly distinct?: WantedNumber; readonly each?: number }
  }
  readonly endpoint?: {
    readonly same?: string
    readonly differs?: string
    readonly address?: string
  }
  readonly upstreamConnections?: WantedNumber
  readonly upstreamConnection?: { readonly same?: string; readonly differs?: string }
  readonly upstreamBeganInPause?: boolean
  readonly responses?: number
  /** In trailers, or in the head of an answer that has no body. */
  readonly grpcStatus?: number
  readonly refused?: boolean
  readonly tls?: {
    /** That of a Secret; or of another one than this. */
    readonly certificate?: string | { readonly not: string }
    readonly version?: string
    readonly cipher?: string
  }
}

/** One step of a case; `kind` is not in the file but which of the keys is there. */
export interface Step {
  readonly request?: CaseRequest
  readonly expect?: Expect
  readonly repeat?: number
  readonly parallel?: number
  readonly everyMs?: number
  readonly label?: string
  readonly apply?: readonly CaseObject[]
  readonly delete?: readonly {
    readonly kind: string
    readonly name: string
    readonly namespace?: string
  }[]
  readonly config?: Readonly<Record<string, string>>
  readonly backend?: string
  readonly endpointOf?: string
  readonly state?: State
  readonly waitMs?: number
  readonly signal?: NodeJS.Signals
  readonly exitWithinMs?: number
  readonly start?: string
  /** With `start`: how long the request is under way before the next step. */
  readonly leadMs?: number
  readonly join?: string
}

/** One case that can be played. */
export interface AnnotationCase {
  readonly id: string
  readonly area: string
  readonly why: string
  readonly objects: readonly CaseObject[]
  readonly config?: Readonly<Record<string, string>>
  readonly options?: CaseOptions
  readonly backends?: Readonly<Record<string, CaseBackend>>
  readonly alone?: boolean
  readonly steps: readonly Step[]
}

interface SkippedCase {
  readonly id: string
  readonly skip: string
}

const file = new URL('../cases/nginx-annotations.json', import.meta.url)

/** Reads all cases: those that can be played, and how many cannot be asked over HTTP. `moved` puts them onto other addresses. */
export function readCases(moved: (text: string) => string): {
  readonly cases: readonly AnnotationCase[]
  readonly skipped: number
} {
  const { cases: all }: { readonly cases: readonly (AnnotationCase | SkippedCase)[] } = JSON.parse(
    moved(readFileSync(file, 'utf8')),
  )
  const cases = all.filter((each): each is AnnotationCase => !('skip' in each))
  return { cases, skipped: all.length - cases.length }
}
