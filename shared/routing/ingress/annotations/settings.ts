// Which changes of the draft do several families share?
import type { Draft, FilterDraft } from './draft.ts'

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

/** Chooses how an endpoint is chosen. */
export function balanceBy(kind: 'round-robin' | 'least-requests', draft: Draft): Partial<Draft> {
  return { backend: { ...draft.backend, balance: { kind } } }
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
