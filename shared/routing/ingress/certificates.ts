// Which Secrets does an Ingress name for the certificates of which hosts (`spec.tls`)?
//
// A host of a rule has those of the entries that list it, itself or by a wildcard. One that no entry lists, and one that an
// annotation adds, is shown what the Ingress has, where that happens to be for it (ingress-nginx). A listed host without a rule
// is served after all Ingresses that have rules for it: nobody takes a host from those who serve it.
import type { CertificateClaim, CertificateRef } from '../certificates.ts'
import {
  isAbsent,
  isMapping,
  listOf,
  mappingOf,
  type Owner,
  type Report,
  shown,
  textOf,
} from '../shapes.ts'
import { parseHost } from './hosts.ts'

/** Whose Secrets, and how old. */
export interface CertificateOwner extends Pick<CertificateClaim, 'createdAt' | 'isLaterNameFirst'> {
  readonly owner: Owner
}

interface Entry {
  readonly hosts: readonly string[]
  /** Undefined: the default certificate is meant. */
  readonly ref: CertificateRef | undefined
}

/** Reads `spec.tls`. `ruleHosts` have rules, `otherHosts` are added by annotations. */
export function readCertificates(
  spec: unknown,
  by: CertificateOwner,
  ruleHosts: ReadonlySet<string>,
  otherHosts: readonly string[],
  report: Report,
): readonly CertificateClaim[] {
  const entries = readEntries(mappingOf(spec).tls, by.owner, report)
  if (entries.length === 0) return []
  const { owner: _, ...age } = by
  const claims: CertificateClaim[] = []
  const add = (host: string, ref: CertificateRef, rest: Pick<CertificateClaim, 'isWithoutRule'>) =>
    claims.push({ host, ref, ...age, ...rest })
  for (const host of ruleHosts) {
    if (host === '') continue
    const listing = entries.filter(({ hosts }) => hosts.some((listed) => isFor(listed, host)))
    const isListed = listing.length > 0
    for (const { ref } of isListed ? listing : entries) {
      if (ref !== undefined) add(host, isListed ? ref : { ...ref, isTried: true }, {})
    }
  }
  for (const host of otherHosts) {
    if (host === '' || ruleHosts.has(host)) continue
    for (const { ref } of entries) if (ref !== undefined) add(host, { ...ref, isTried: true }, {})
  }
  for (const { hosts, ref } of entries) {
    for (const host of hosts) {
      if (ref !== undefined && !ruleHosts.has(host)) add(host, ref, { isWithoutRule: true })
    }
  }
  return claims
}

function readEntries(value: unknown, { kind, namespace, name }: Owner, report: Report): Entry[] {
  if (!isAbsent(value) && !Array.isArray(value)) {
    const message = `spec.tls has the wrong shape: ${shown(value)}.`
    report('invalid-object', 'spec.tls', message, 'Write spec.tls as a list.')
  }
  return listOf(value).flatMap((item, index) => {
    const field = `spec.tls[${index}]`
    if (!isMapping(item)) {
      const message = `${field} has the wrong shape: ${shown(item)}.`
      report('invalid-object', field, message, 'Write it as a mapping with hosts and secretName.')
      return []
    }
    const hosts = listOf(item.hosts).flatMap((host, at) => {
      const read = parseHost(host, `${field}.hosts[${at}]`, report)
      return read === undefined || read === '' ? [] : [read]
    })
    const secret = textOf(item.secretName)
    const owner = { kind, namespace, name }
    const ref = secret && { secret: `${namespace}/${secret}`, owner, field: `${field}.secretName` }
    return [{ hosts, ref: ref || undefined }]
  })
}

/** `*.a.test` is for one label. */
function isFor(listed: string, host: string): boolean {
  return listed === host || listed === `*${host.slice(host.indexOf('.'))}`
}
