// Which changes of the draft do several families share?
import type { Draft } from './draft.ts'

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

/** Changes one time limit. */
export function limitTime(name: keyof Draft['timeouts']) {
  return (ms: number, draft: Draft): Partial<Draft> => ({
    timeouts: { ...draft.timeouts, [name]: ms },
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
