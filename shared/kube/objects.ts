// The parts of Kubernetes objects that Weir reads, as the API server sends them (JSON, times as strings).
// Everything a user can leave out or get wrong is optional or unknown-safe here: the reader must check, not trust.

export interface ObjectMeta {
  readonly name?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly generation?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Who wrote what; dropped where objects are read (read-object.ts). */
  readonly managedFields?: readonly unknown[]
}

/** Any object of the API. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
}

/** networking.k8s.io/v1. */
export interface IngressBackend {
  readonly service?: {
    readonly name?: string
    readonly port?: { readonly name?: string; readonly number?: number }
  }
  readonly resource?: { readonly apiGroup?: string; readonly kind?: string; readonly name?: string }
}

export interface IngressPath {
  readonly path?: string
  readonly pathType?: string
  readonly backend?: IngressBackend
}

export interface IngressRule {
  readonly host?: string
  readonly http?: { readonly paths?: readonly IngressPath[] }
}

export interface Ingress extends KubeObject {
  readonly spec?: {
    readonly ingressClassName?: string
    readonly defaultBackend?: IngressBackend
    readonly rules?: readonly IngressRule[]
    readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[]
  }
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly hostname?: string; readonly ip?: string }[]
    }
  }
}

export interface IngressClass extends KubeObject {
  readonly spec?: { readonly controller?: string }
}

/** zalando.org/v1: a kind of Skipper. The reader checks all of its spec, which any version of its CRD may have let in. */
export interface RouteGroup extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: {
    readonly loadBalancer?: {
      readonly routegroup?: readonly { readonly hostname?: string; readonly ip?: string }[]
    }
  }
}

/** core/v1. */
export interface ServicePort {
  readonly name?: string
  readonly port?: number
  readonly targetPort?: number | string
  readonly protocol?: string
  readonly appProtocol?: string
}

export interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string
    readonly clusterIP?: string
    readonly externalName?: string
    readonly externalIPs?: readonly string[]
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly ServicePort[]
    readonly trafficDistribution?: string
  }
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly hostname?: string; readonly ip?: string }[]
    }
  }
}

/** discovery.k8s.io/v1. */
export interface SliceEndpoint {
  readonly addresses?: readonly string[]
  readonly conditions?: {
    readonly ready?: boolean | null
    readonly serving?: boolean | null
    readonly terminating?: boolean | null
  }
  readonly nodeName?: string
  readonly zone?: string
  readonly hints?: {
    readonly forZones?: readonly { readonly name?: string }[]
    readonly forNodes?: readonly { readonly name?: string }[]
  }
  readonly targetRef?: {
    readonly kind?: string
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
  }
}

export interface EndpointSlice extends KubeObject {
  readonly addressType?: string
  readonly endpoints?: readonly SliceEndpoint[] | null
  readonly ports?:
    | readonly { readonly name?: string; readonly port?: number; readonly protocol?: string }[]
    | null
}

export interface Secret extends KubeObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

export interface Pod extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string
    readonly readinessGates?: readonly { readonly conditionType?: string }[]
  }
  readonly status?: {
    readonly phase?: string
    readonly podIP?: string
    readonly podIPs?: readonly { readonly ip?: string }[]
    readonly hostIP?: string
    readonly hostIPs?: readonly { readonly ip?: string }[]
    readonly conditions?: readonly PodCondition[]
  }
}

export interface PodCondition {
  readonly type?: string
  readonly status?: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

export interface Node extends KubeObject {
  readonly spec?: {
    readonly providerID?: string
    readonly unschedulable?: boolean
    readonly taints?: readonly { readonly key?: string; readonly effect?: string }[]
  }
}

/** coordination.k8s.io/v1. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** core/v1. */
export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

/** core/v1 Event; not named Event, which is a global of the platform. */
export interface KubeEvent extends KubeObject {
  readonly involvedObject?: {
    readonly apiVersion?: string
    readonly kind?: string
    readonly namespace?: string
    readonly name?: string
    readonly uid?: string
  }
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly source?: { readonly component?: string; readonly host?: string }
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly count?: number
}
