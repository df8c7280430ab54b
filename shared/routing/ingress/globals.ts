// What counts for all Ingresses at once? The defaults of `--like`, and what the ConfigMap of `--config-map` makes of them.
//
// Invariant: the defaults are another object only when they say something else: who reads Ingresses with them reads all again.
// Invariant: a ConfigMap that is deleted still counts, as with ingress-nginx: what it kept out is not let in by its loss. It is
// the one thing that the newest objects do not say.
import { isDeepStrictEqual } from 'node:util'
import type { ConfigMap } from '../../kube/objects.ts'
import { configMaps, ingressClasses, ingresses } from '../../kube/resources.ts'
import type { Snapshot, WatchedKind } from '../../kube/snapshot.ts'
import type { Like } from '../../like.ts'
import type { ObjectPath } from '../../options-kinds.ts'
import type { Reading } from '../source.ts'
import { defaultsLike, missingConfigMap, readConfigMap } from './config-map/read.ts'
import type { IngressDefaults } from './defaults.ts'

/** What the operator says of all Ingresses. */
export interface IngressSettings {
  /** `--like`. */
  readonly like?: Like | undefined
  /** `--config-map`: the global ConfigMap of ingress-nginx. */
  readonly configMap?: ObjectPath | undefined
  /** What other options say of all Ingresses. */
  readonly base?: IngressDefaults | undefined
  /** `--disable-catch-all`. */
  readonly disableCatchAll?: boolean
}

const kinds: readonly WatchedKind[] = [
  { resource: ingresses, isOptional: false },
  // A Role of one namespace cannot allow a cluster-wide kind.
  { resource: ingressClasses, isOptional: true },
]

/** Follows what counts for all Ingresses from one snapshot to the next. */
export class Globals {
  /** What an Ingress source must find in snapshots. Without its ConfigMap nothing may be served: it may keep clients out. */
  readonly kinds: readonly WatchedKind[]
  readonly #settings: IngressSettings
  #object: ConfigMap | undefined
  #hasRead = false
  /** Read them after `read`. */
  defaults: IngressDefaults
  /** What is wrong with the ConfigMap; undefined while none is asked for. */
  reading: Reading | undefined

  constructor(settings: IngressSettings) {
    this.#settings = settings
    this.defaults = defaultsLike(settings.like, settings.base)
    const only = settings.configMap
    this.kinds =
      only === undefined ? kinds : [...kinds, { resource: configMaps, isOptional: false, only }]
  }

  /** Reads the next snapshot; says what is other than after the one before. */
  read(snapshot: Snapshot): {
    readonly areDefaultsOther: boolean
    readonly isReadingOther: boolean
  } {
    const { configMap, like, base } = this.#settings
    if (configMap === undefined) return { areDefaultsOther: false, isReadingOther: false }
    const object = snapshot.list(configMaps).find((found) => isNamed(found, configMap))
    if (object === this.#object && this.#hasRead) {
      return { areDefaultsOther: false, isReadingOther: false }
    }
    const before = this.defaults
    if (object === undefined) {
      const problem = missingConfigMap(configMap, this.#object !== undefined)
      this.reading = { claims: [], problems: [problem] }
    } else {
      const { defaults, problems } = readConfigMap(object, like, base)
      this.reading = { claims: [], problems }
      if (!isDeepStrictEqual(defaults, before)) this.defaults = defaults
    }
    this.#object = object
    this.#hasRead = true
    return { areDefaultsOther: this.defaults !== before, isReadingOther: true }
  }
}

function isNamed({ metadata }: ConfigMap, { namespace, name }: ObjectPath): boolean {
  return metadata?.name === name && (metadata.namespace ?? 'default') === namespace
}
