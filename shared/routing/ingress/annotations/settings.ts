// Which changes of the draft do several families share?
import type { RetryRules } from '../../backend.ts'
import type { BackendTerms, Draft, FilterDraft } from './draft.ts'

/**
 * Takes over an allow list. Two keys with different lists are refused, since neither reading is safe to guess:
 * the union lets in whom one of them keeps out.
 */
export function allowOnly(list: readonly string[], draft: Draft): Partial<Draft> | string {
  const before = draft.allow ?? list
  const isSame = [...before].sort().join() === [...list].sort().join()
  return isSame ? { allow: list } : 'differs from another allow list of this Ingress'
}

/** Adds to the deny list: who is named by any of the keys stays out. */
export function denyAlso(list: readonly string[], draft: Draft): Partial<Draft> {
  return { deny: [...draft.deny, ...list] }
}

/** Changes one limit. */
export function limitTo(name: keyof Draft['limits']) {
  return (value: number, draft: Draft): Partial<Draft> => ({
    limits: { ...draft.limits, [name]: value },
  })
}

/** Changes one property of the affinity cookie. */
export function shapeCookie<K extends keyof Draft['affinity']>(name: K) {
  return (value: NonNullable<Draft['affinity'][K]>, draft: Draft): Partial<Draft> => ({
    affinity: { ...draft.affinity, [name]: value },
  })
}

/** Changes one list of header edits. */
export function editHeaders<K extends 'set' | 'add' | 'remove'>(
  side: 'requestHeaders' | 'responseHeaders',
  list: K,
) {
  return (value: Draft['requestHeaders'][K], draft: Draft): Partial<Draft> => ({
    [side]: { ...draft[side], [list]: value },
  })
}

/**
 * Sets parts of the filter `kind`. Its other keys set other parts; the kind judges the whole when all keys are read, and
 * names `key` in what it finds wrong.
 */
export function partOf<T>(kind: string, key: string, parts: (value: T, draft: Draft) => object) {
  return (value: T, draft: Draft): Partial<Draft> => {
    const before = draft.filters[kind]
    const filter: FilterDraft = {
      parts: { ...before?.parts, ...parts(value, draft) },
      key: before?.key ?? key,
    }
    return { filters: { ...draft.filters, [kind]: filter } }
  }
}

/** Sets one thing that a backend may ask for. */
export function ask<K extends keyof BackendTerms, T>(name: K, make: (value: T) => BackendTerms[K]) {
  return (value: T, { backend }: Draft): Partial<Draft> => ({
    backend: { ...backend, [name]: make(value) },
  })
}

/** Changes what another key, `by`, has asked for; without that it would ask for nothing, and is refused. */
export function refine<K extends keyof BackendTerms, T>(
  name: K,
  by: string,
  change: (before: NonNullable<BackendTerms[K]>, value: T) => BackendTerms[K],
) {
  return (value: T, { backend }: Draft): Partial<Draft> | string => {
    const before = backend[name]
    return before === undefined
      ? `has no effect without weir.dev/${by}`
      : { backend: { ...backend, [name]: change(before, value) } }
  }
}

const defaultRetry: RetryRules = {
  on: ['connect-failure', 'refused'],
  statuses: [],
  allMethods: false,
}

/** Changes when a request is made again; what is not said is as for a route that says nothing. */
export function retryWith<T>(change: (value: T) => Partial<RetryRules>) {
  return (value: T, { backend }: Draft): Partial<Draft> => ({
    backend: { ...backend, retry: { ...(backend.retry ?? defaultRetry), ...change(value) } },
  })
}
