// Which certificates does each host have? Of several claims of one host all stay, in an order: who has a rule for the host before who
// only names it, then the oldest.
import type { CertificateClaim, CertificateRef } from './certificates.ts'
import { emptyMap, type ShardedMap, withEntries } from './sharded-map.ts'
import type { Reading } from './source.ts'

/** Keeps the certificates of all hosts as readings come and go. */
export class SettledCertificates {
  readonly #claims = new Map<string, CertificateClaim[]>()
  #hosts: ShardedMap<readonly CertificateRef[]> = emptyMap()

  /** By host, best first; the same map while nothing changes. Undefined when no host has any. */
  get hosts(): ShardedMap<readonly CertificateRef[]> | undefined {
    return this.#hosts.size === 0 ? undefined : this.#hosts
  }

  /** Takes over which readings left and which came. */
  replace(gone: readonly Reading[], come: readonly Reading[]): void {
    const touched = new Set<string>()
    const leaving = new Set(gone.flatMap(({ certificates = [] }) => certificates))
    for (const { host } of leaving) {
      touched.add(host)
      const left = (this.#claims.get(host) ?? []).filter((claim) => !leaving.has(claim))
      this.#claims.set(host, left)
    }
    for (const claim of come.flatMap(({ certificates = [] }) => certificates)) {
      touched.add(claim.host)
      this.#claims.set(claim.host, [...(this.#claims.get(claim.host) ?? []), claim])
    }
    if (touched.size === 0) return
    this.#hosts = withEntries(
      this.#hosts,
      [...touched].map((host) => [host, this.#settle(host)]),
    )
  }

  #settle(host: string): readonly CertificateRef[] | undefined {
    const claims = this.#claims.get(host) ?? []
    if (claims.length === 0) {
      this.#claims.delete(host)
      return undefined
    }
    return claims.toSorted(compareClaims).map(({ ref }) => ref)
  }
}

/** Claims of one owner stay in its order: the sort is stable. */
function compareClaims(a: CertificateClaim, b: CertificateClaim): number {
  if (a.isWithoutRule !== b.isWithoutRule) return a.isWithoutRule === true ? 1 : -1
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1
  const [nameOfA, nameOfB] = [nameOf(a), nameOf(b)]
  if (nameOfA === nameOfB) return 0
  const isLaterFirst = a.isLaterNameFirst === true && b.isLaterNameFirst === true
  return nameOfA < nameOfB === isLaterFirst ? 1 : -1
}

function nameOf({ ref: { owner } }: CertificateClaim): string {
  return `${owner.namespace}/${owner.name}`
}
