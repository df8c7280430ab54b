// Which Ingresses went to another class and still show what we wrote? external-dns would keep their hosts pointed at us.
//
//   the Ingress itself changed its class    we saw both classes, or its class was set after we wrote the status, to one that is
//                                           somebody else's: a class that was deleted or a flag that was mistyped is no change
//   we wrote what it shows                  the API server says so (field-owners.ts), or we did it in this term
//
// Invariant: each is confirmed by the object as it is now; without both answers nothing is taken away.
// Invariant: what is remembered may be forgotten at any time: it costs a question, or leaves a name where it is.
import { namedClass } from '../../shared/ingress-class.ts'
import type { KubeClient } from '../../shared/kube/client.ts'
import type { Ingress } from '../../shared/kube/objects.ts'
import { readObject } from '../../shared/kube/read-object.ts'
import { ingresses, resourcePath } from '../../shared/kube/resources.ts'
import type { Log } from '../../shared/log.ts'
import type { LeftIngress, ObjectRef, StatusEntry } from '../world.ts'
import { classSetAtMs, shownAtMs } from './field-owners.ts'
import { shownIn } from './published.ts'

/** An Ingress as the list shows it. */
export interface SeenIngress {
  readonly ingress: ObjectRef
  readonly resourceVersion: string
  /** The class that it names; empty for none. */
  readonly className: string
  /** That class is somebody else's. */
  readonly isOthers: boolean
  /** Names in its status, and addresses without one. */
  readonly shown: readonly string[]
}

/** All Ingresses: those that the proxies serve, and the others that show anything in their status. */
export interface SeenIngresses {
  readonly served: readonly SeenIngress[]
  readonly others: readonly SeenIngress[]
}

export interface LeftIngressesOptions {
  readonly client: KubeClient
  readonly log: Log
  /** The name under which we write status. */
  readonly fieldManager: string
}

// Confirmations are single GETs; many Ingresses that left at once are looked at over several passes.
const questionsPerPass = 50

export class LeftIngresses {
  readonly #options: LeftIngressesOptions
  /** By uid: the class under which it was ours in this term. */
  readonly #classes = new Map<string, string>()
  /** By uid: what we wrote in this term. */
  readonly #shown = new Map<string, readonly string[]>()
  /** By uid: the version that was looked at and is none of our business. */
  readonly #passed = new Map<string, string>()
  #said = ''

  constructor(options: LeftIngressesOptions) {
    this.#options = options
  }

  /** Remembers what was written. */
  noteShown({ uid }: ObjectRef, hostnames: readonly string[]): void {
    this.#shown.set(uid, hostnames)
  }

  /** Lists those that left; `hostnames` are the names that we show now. */
  async find(seen: SeenIngresses, hostnames: readonly string[]): Promise<LeftIngress[]> {
    this.#note(seen)
    const asked = seen.others
      .filter((one) => this.#mayHaveLeft(one, hostnames))
      .slice(0, questionsPerPass)
    const found = await Promise.all(asked.map((one) => this.#confirm(one, hostnames)))
    return found.filter((one) => one !== undefined)
  }

  #note({ served, others }: SeenIngresses): void {
    for (const { ingress, className } of served) this.#classes.set(ingress.uid, className)
    const present = new Set([...served, ...others].map(({ ingress }) => ingress.uid))
    for (const map of [this.#classes, this.#shown, this.#passed]) {
      for (const uid of map.keys()) if (!present.has(uid)) map.delete(uid)
    }
  }

  #mayHaveLeft(one: SeenIngress, hostnames: readonly string[]): boolean {
    const { uid } = one.ingress
    return (
      (one.isOthers || this.#hasChanged(uid, one.className)) &&
      this.#passed.get(uid) !== one.resourceVersion &&
      one.shown.some((name) => this.#isOurName(uid, name, hostnames))
    )
  }

  #hasChanged(uid: string, className: string): boolean {
    const known = this.#classes.get(uid)
    return known !== undefined && known !== className
  }

  #isOurName(uid: string, name: string, hostnames: readonly string[]): boolean {
    return (
      name !== '' && (hostnames.includes(name) || this.#shown.get(uid)?.includes(name) === true)
    )
  }

  async #confirm(one: SeenIngress, hostnames: readonly string[]): Promise<LeftIngress | undefined> {
    const { namespace, name, uid } = one.ingress
    const { client, fieldManager, log } = this.#options
    const path = resourcePath(ingresses, { namespace, name })
    const answer = await client.request({ method: 'GET', path, timeoutMs: 3_000 })
    if (!answer.ok) {
      const { reason, message } = answer.error
      if (reason === 'NotFound' || this.#said === message) return undefined
      this.#said = message
      log.warn(
        { ingress: `${namespace}/${name}`, error: message },
        'cannot look at an Ingress that left: it may show our load balancer until it is changed',
      )
      return undefined
    }
    // Read before the object is: readObject drops managedFields.
    const shownAt = shownAtMs(answer.body, fieldManager)
    const classSetAt = classSetAtMs(answer.body)
    const fresh = readObject<Ingress>(answer.body, ingresses)
    const version = fresh?.metadata?.resourceVersion
    if (fresh === undefined || version === undefined || fresh.metadata?.uid !== uid)
      return undefined
    // Changed between the list and now: the next pass sees it.
    if (namedClass(fresh) !== one.className) return undefined
    const isOurs = shownAt !== undefined || this.#shown.has(uid)
    // Whole seconds: an Ingress that got its status in the second of its birth did not change.
    const hasChanged =
      this.#hasChanged(uid, one.className) ||
      (shownAt !== undefined && classSetAt !== undefined && classSetAt > shownAt)
    const entries = fresh.status?.loadBalancer?.ingress ?? []
    const isOurEntry = (entry: StatusEntry): boolean =>
      this.#isOurName(uid, shownIn(entry), hostnames)
    const removed = entries.filter(isOurEntry).map(shownIn)
    if (!isOurs || !hasChanged || removed.length === 0) {
      this.#passed.set(uid, version)
      return undefined
    }
    return {
      ingress: one.ingress,
      resourceVersion: version,
      className: one.className,
      hostnames: removed,
      kept: entries.filter((entry) => !isOurEntry(entry)),
    }
  }
}
