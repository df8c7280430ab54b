// What is wrong with a Secret that hosts name for their certificate, in words for those who name it? Pure.
import { type IdentityReading, shownNames } from '../../../shared/identity.ts'
import type { Problem } from '../../../shared/problem.ts'
import type { CertificateRef } from '../../../shared/routing/certificates.ts'

/** A Secret, what was read of it, and who names it for which hosts. */
export interface CertificateUse {
  /** `namespace/name`. */
  readonly secret: string
  readonly uses: ReadonlyMap<string, readonly CertificateRef[]>
  /** Undefined: there is no such Secret. */
  readonly reading: IdentityReading | undefined
  /** Why it may not be read: of its source, with the remedy. */
  readonly refusal: Problem | undefined
  /** `--default-certificate` names it. */
  readonly isDefault: boolean
  /** Wall-clock ms. */
  readonly now: number
}

type Finding = Pick<Problem, 'reason' | 'message' | 'remedy'>

/** Makes one problem for each object that names it, and one of the Secret itself where it is the default certificate. */
export function problemsOfCertificate(use: CertificateUse): readonly Problem[] {
  const { secret, uses, isDefault } = use
  const problems: Problem[] = []
  for (const { ref, hosts } of owners(uses)) {
    const finding = findingOf(use, hosts)
    if (finding === undefined) continue
    const { kind, namespace, name } = ref.owner
    problems.push({ ...finding, kind, namespace, name, field: ref.field })
  }
  const ofDefault = isDefault ? findingOf(use, []) : undefined
  if (ofDefault !== undefined) {
    const [namespace = '', name = ''] = secret.split('/')
    problems.push({ ...ofDefault, kind: 'Secret', namespace, name, field: '' })
  }
  return problems
}

/** Each object that names it, with the hosts that it says it is for; hosts that only try it are not among them. */
function owners(uses: CertificateUse['uses']) {
  const byOwner = new Map<string, { readonly ref: CertificateRef; readonly hosts: string[] }>()
  for (const [host, refs] of uses) {
    for (const ref of refs) {
      const { kind, namespace, name } = ref.owner
      const key = `${kind} ${namespace}/${name} ${ref.field}`
      const known = byOwner.get(key) ?? { ref, hosts: [] }
      if (ref.isTried !== true) known.hosts.push(host)
      byOwner.set(key, known)
    }
  }
  return byOwner.values()
}

function findingOf(use: CertificateUse, hosts: readonly string[]): Finding | undefined {
  const { secret, reading, refusal, now } = use
  const then = thenOf(hosts, use.isDefault)
  if (refusal !== undefined) {
    return {
      reason: 'certificate-missing',
      message:
        reading?.ok === true
          ? `The Secret ${secret} may no longer be read by the proxy: what was read last is shown until it may.`
          : `The Secret ${secret} may not be read by the proxy: ${then}.`,
      remedy: refusal.remedy,
    }
  }
  if (reading === undefined) {
    return {
      reason: 'certificate-missing',
      message: `The Secret ${secret} is not there: ${then}.`,
      remedy:
        'Create it (type kubernetes.io/tls), or see why who should make it, such as cert-manager, has not yet.',
    }
  }
  if (!reading.ok) {
    return {
      reason: 'certificate-unusable',
      message: `The Secret ${secret} ${reading.why}: ${then}.`,
      remedy: 'Put a PEM certificate with its chain into tls.crt and its PEM key into tls.key.',
    }
  }
  const { validFrom, validTo, names, covers } = reading.identity
  if (now >= validTo || now < validFrom) {
    const what =
      now >= validTo ? `expired on ${dateOf(validTo)}` : `is not good before ${dateOf(validFrom)}`
    return {
      reason: 'certificate-expired',
      message: `The certificate of the Secret ${secret} ${what}: ${then}.`,
      remedy: 'Renew it; open connections stay, and new ones get the new one within a second.',
    }
  }
  const others = hosts.filter((host) => !covers(host))
  if (others.length === 0) return undefined
  return {
    reason: 'certificate-unusable',
    message: `The certificate of the Secret ${secret} is ${shownNames(names)}, not ${shownNames(others)}: ${thenOf(others, false)}.`,
    remedy: 'Issue it for these hosts, or name another Secret for them.',
  }
}

function thenOf(hosts: readonly string[], isDefault: boolean): string {
  if (isDefault) return 'the self-signed certificate is the default'
  if (hosts.length === 0) return 'it is not shown'
  const shown = hosts.slice(0, 5).join(', ')
  const rest = hosts.length > 5 ? ` and ${hosts.length - 5} more` : ''
  return `${shown}${rest} ${hosts.length === 1 ? 'gets' : 'get'} the default certificate, unless another one is named for it`
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
