// The faults that a test can switch on: what real API servers and the networks before them do on bad days.
import type { KubeObject } from '../kube/objects.ts'
import { type KubeResource, qualifiedName, resourceGroup } from '../kube/resources.ts'
import type { Answer } from './api-handler.ts'
import { statusBody, type Target, type Verb } from './api-paths.ts'
import type { ApiStore } from './api-store.ts'
import type { OpenWatch, WatchHub } from './api-watches.ts'

/** Requests that are answered with a failure instead of being served. */
export interface FaultRule {
  /** Absent: all. */
  readonly verbs?: readonly Verb[]
  readonly resource?: KubeResource
  readonly namespace?: string
  readonly status: number
  readonly reason?: string
  readonly message?: string
  readonly retryAfterSeconds?: number
  /** Sent as it is instead of a Status object. */
  readonly body?: string
  /** How many requests; absent: all until undone. */
  readonly times?: number
}

export interface ApiFaults {
  /** Adds a rule; the returned function takes it away again. */
  answer(rule: FaultRule): () => void
  /** Answers 403 as RBAC does, everywhere or in one namespace. */
  deny(verbs: readonly Verb[], resource: KubeResource, namespace?: string): () => void
  /** Cuts watches by RST, after `rest` (the begin of a line, for example) was sent. */
  resetWatches(resource?: KubeResource, rest?: string): Promise<void>
  /** Ends watches as `timeoutSeconds` does, after `rest` was sent. */
  endWatches(resource?: KubeResource, rest?: string): void
  /** Open watches hear nothing any more; new ones are served. */
  stallWatches(resource?: KubeResource): void
  /** Sends bookmarks of the newest, or of the given, version. */
  bookmark(resource?: KubeResource, version?: string): void
  /** Sends text to watches as it is. */
  sendRaw(text: string, resource?: KubeResource): void
  /** Sends an ERROR event and ends the watches. */
  sendError(status: object, resource?: KubeResource): void
  /** Compaction: older versions can no longer be watched; told as a status or as an event. */
  forgetHistory(toldAs: 'status' | 'event'): void
  /** All continue tokens that were given out expire. */
  expirePages(): void
  /** Goes back to an older version, as after a restored backup of etcd. */
  restore(resource: KubeResource, version: number, objects: readonly KubeObject[]): void
  duplicateEvents(isOn: boolean): void
  bareDeletes(isOn: boolean): void
}

/** What the request handler asks of the faults. */
export interface FaultState {
  readonly faults: ApiFaults
  /** The rule that this request falls under, counted. */
  take(verb: Verb, target: Target): FaultRule | undefined
  goneAs: 'status' | 'event'
  /** Tokens below this are expired. */
  firstToken: number
  lastToken: number
}

export function createFaults(
  store: ApiStore,
  hub: WatchHub,
  reset: (watch: OpenWatch) => void,
): FaultState {
  const rules = new Map<FaultRule, number>()

  function answer(rule: FaultRule): () => void {
    rules.set(rule, rule.times ?? Number.POSITIVE_INFINITY)
    return () => rules.delete(rule)
  }

  const faults: ApiFaults = {
    answer,
    deny: (verbs, resource, namespace) =>
      answer({ verbs, resource, status: 403, ...(namespace === undefined ? {} : { namespace }) }),
    async resetWatches(resource, rest = '') {
      const watches = hub.open(resource)
      for (const watch of watches) if (rest !== '') hub.write(watch, rest)
      // The rest must be on its way: an RST throws away what is still buffered.
      await new Promise((resolve) => setTimeout(resolve, 20))
      for (const watch of watches) reset(watch)
    },
    endWatches(resource, rest = '') {
      for (const watch of hub.open(resource)) {
        if (rest !== '') hub.write(watch, rest)
        hub.end(watch)
      }
    },
    stallWatches(resource) {
      for (const watch of hub.open(resource)) hub.stall(watch)
    },
    bookmark(resource, version = store.version) {
      for (const watch of hub.open(resource)) hub.bookmark(watch, version)
    },
    sendRaw(text, resource) {
      for (const watch of hub.open(resource)) hub.write(watch, text)
    },
    sendError(status, resource) {
      for (const watch of hub.open(resource)) {
        hub.write(watch, `${JSON.stringify({ type: 'ERROR', object: status })}\n`)
        hub.end(watch)
      }
    },
    forgetHistory(toldAs) {
      state.goneAs = toldAs
      store.forgetHistory()
    },
    expirePages() {
      state.firstToken = state.lastToken + 1
    },
    restore: (resource, version, objects) => store.restore(resource, version, objects),
    duplicateEvents(isOn) {
      hub.oddities.isDuplicating = isOn
    },
    bareDeletes(isOn) {
      hub.oddities.hasBareDeletes = isOn
    },
  }

  const state: FaultState = {
    faults,
    goneAs: 'status',
    firstToken: 1,
    lastToken: 0,
    take(verb, target) {
      for (const [rule, times] of rules) {
        const isMeant =
          times > 0 &&
          (rule.verbs === undefined || rule.verbs.includes(verb)) &&
          (rule.resource === undefined || rule.resource === target.resource) &&
          (rule.namespace === undefined || rule.namespace === target.namespace)
        if (!isMeant) continue
        rules.set(rule, times - 1)
        return rule
      }
      return undefined
    },
  }
  return state
}

/** The answer that a rule asks for. */
export function answerRule(
  rule: FaultRule,
  verb: Verb,
  { resource }: Target,
): Answer & { readonly headers: Readonly<Record<string, string>> } {
  const denied = `${qualifiedName(resource)} is forbidden: User "system:serviceaccount:kube-system:weir" cannot ${verb} resource "${resource.plural}" in API group "${resourceGroup(resource)}" at the cluster scope`
  const message = rule.message ?? (rule.status === 403 ? denied : 'injected by the test')
  return {
    status: rule.status,
    headers:
      rule.retryAfterSeconds === undefined ? {} : { 'retry-after': String(rule.retryAfterSeconds) },
    body: rule.body ?? statusBody(rule.status, message, rule.reason),
  }
}
