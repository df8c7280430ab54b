// What do the Secrets hold that hosts name for their certificates, and what is wrong with them?
//
//   delta ─► Secrets, counted by host ─► followed by name (feed) ─► checked ─► workers
//                                                   └─► problems of the Ingresses that name them, and when they expire
//
// Invariant: only what a host names is read, by its name, and it is forgotten when no host names it any more.
// Invariant: workers get what can be served and nothing else; keys are in memory only: never in a log line or a problem.
import type { Clock } from '../../../shared/clock.ts'
import type { NamedObjects } from '../../../shared/feed/named-objects.ts'
import { type IdentityReading, readServableIdentity } from '../../../shared/identity.ts'
import type { KubeObject } from '../../../shared/kube/objects.ts'
import type { Problem } from '../../../shared/problem.ts'
import type { CertificateRef } from '../../../shared/routing/certificates.ts'
import type { AssetData } from '../../../shared/routing/filters/kind.ts'
import type { TableDelta } from '../../../shared/routing/table.ts'
import type { CertificateExpiry } from '../../observe/metrics-registry.ts'
import { makeSelfSigned } from '../self-signed.ts'
import { type CertificateUse, problemsOfCertificate } from './certificate-problems.ts'
import { secretEntries } from './secret-entries.ts'

/** What the keeper of certificates needs. */
export interface CertificateKeeperOptions {
  readonly clock: Clock
  readonly objects: NamedObjects
  /** `namespace/name` of `--default-certificate`. */
  readonly defaultCertificate: string | undefined
  /** A certificate is another one, or can no longer be served. */
  readonly onCertificate: (secret: string, data: AssetData | undefined) => void
  readonly onProblems: () => void
  /** A Secret was looked for, for the first time. */
  readonly onAnswer?: () => void
}

interface Followed {
  readonly secret: string
  /** By host. */
  readonly uses: Map<string, readonly CertificateRef[]>
  /** Undefined: there is no such Secret, or it has not been read yet. */
  reading: IdentityReading | undefined
  data: AssetData | undefined
  hasAnswered: boolean
  refusal: Problem | undefined
  problems: readonly Problem[]
  cancel: () => void
}

// How soon it shows that a certificate has expired.
const lookMs = 60_000
/** No Secret has this name: the certificate that Weir makes for itself. */
const selfSigned = ''

/** Keeps the certificates of the served table. */
export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions
  readonly #followed = new Map<string, Followed>()
  readonly #secretsByHost = new Map<string, ReadonlySet<string>>()
  readonly #selfSigned: AssetData
  readonly #stopLooking: () => void
  /** What is wrong with certificates now. */
  problems: readonly Problem[] = []

  constructor(options: CertificateKeeperOptions) {
    const { clock, defaultCertificate } = options
    this.#options = options
    this.#selfSigned = makeSelfSigned(clock.wallNow())
    if (defaultCertificate !== undefined) this.#add(defaultCertificate)
    this.#stopLooking = clock.every(lookMs, () => {
      for (const followed of this.#followed.values()) this.#judge(followed)
      this.#collect()
    })
  }

  /** Takes over what a change of the table wants. */
  noteDelta({ certificates }: TableDelta): void {
    if (certificates === undefined) return
    for (const [host, refs] of certificates) this.#noteHost(host, refs)
    this.#collect()
  }

  /** All Secrets that are named have been looked for, whatever came of it. */
  get areAllLookedFor(): boolean {
    return this.#followed
      .values()
      .every(({ hasAnswered, refusal }) => hasAnswered || refusal !== undefined)
  }

  /** All that can be served, for a worker that starts now. */
  *all(): Iterable<readonly [secret: string, AssetData]> {
    yield [selfSigned, this.#selfSigned]
    for (const { secret, data } of this.#followed.values()) {
      if (data !== undefined) yield [secret, data]
    }
  }

  /** When what is read now expires; that of Weir's own is not among them. */
  *expiries(): Iterable<CertificateExpiry> {
    for (const { secret, reading } of this.#followed.values()) {
      if (reading?.ok !== true) continue
      const [namespace = '', name = ''] = secret.split('/')
      yield { namespace, secret: name, validTo: reading.identity.validTo }
    }
  }

  stop(): void {
    this.#stopLooking()
    for (const { cancel } of this.#followed.values()) cancel()
  }

  #noteHost(host: string, refs: readonly CertificateRef[]): void {
    const before = this.#secretsByHost.get(host)
    const after = new Set(refs.map(({ secret }) => secret))
    if (after.size === 0) this.#secretsByHost.delete(host)
    else this.#secretsByHost.set(host, after)
    for (const secret of after) {
      const followed = this.#followed.get(secret) ?? this.#add(secret)
      const mine = refs.filter((ref) => ref.secret === secret)
      followed.uses.set(host, mine)
      this.#judge(followed)
    }
    for (const secret of before ?? []) if (!after.has(secret)) this.#release(secret, host)
  }

  #add(secret: string): Followed {
    const [namespace = '', name = ''] = secret.split('/')
    const followed: Followed = {
      secret,
      uses: new Map(),
      reading: undefined,
      data: undefined,
      hasAnswered: false,
      refusal: undefined,
      problems: [],
      cancel: () => {},
    }
    this.#followed.set(secret, followed)
    followed.cancel = this.#options.objects.follow(
      { kind: 'Secret', namespace, name },
      (object) => this.#take(followed, object),
      (problem) => {
        followed.refusal = problem
        this.#judge(followed)
        this.#collect()
        this.#options.onAnswer?.()
      },
    )
    return followed
  }

  #release(secret: string, host: string): void {
    const followed = this.#followed.get(secret)
    if (followed === undefined) return
    followed.uses.delete(host)
    this.#judge(followed)
    if (followed.uses.size > 0 || secret === this.#options.defaultCertificate) return
    followed.cancel()
    this.#followed.delete(secret)
    if (followed.data !== undefined) this.#options.onCertificate(secret, undefined)
  }

  #take(followed: Followed, object: KubeObject | undefined): void {
    const entries = object === undefined ? undefined : secretEntries(object)
    const had = followed.data
    followed.hasAnswered = true
    followed.reading = entries && readServableIdentity(entries)
    followed.data = followed.reading?.ok === true ? servedOf(entries) : undefined
    if (!isSame(had, followed.data)) {
      this.#options.onCertificate(followed.secret, followed.data)
    }
    this.#judge(followed)
    this.#collect()
    this.#options.onAnswer?.()
  }

  #judge(followed: Followed): void {
    const { secret, uses, reading, hasAnswered, refusal } = followed
    const { clock, defaultCertificate } = this.#options
    if (!hasAnswered && refusal === undefined) return
    const use: CertificateUse = {
      secret,
      uses,
      reading,
      refusal,
      isDefault: secret === defaultCertificate,
      now: clock.wallNow(),
    }
    followed.problems = problemsOfCertificate(use)
  }

  #collect(): void {
    const before = this.problems
    this.problems = [...this.#followed.values()].flatMap(({ problems }) => problems)
    if (before.length > 0 || this.problems.length > 0) this.#options.onProblems()
  }
}

/** What a worker needs of a Secret: no more of it is copied. */
function servedOf(entries: AssetData = {}): AssetData {
  const { 'tls.crt': cert = '', 'tls.key': key = '' } = entries
  return { 'tls.crt': cert, 'tls.key': key }
}

function isSame(a: AssetData | undefined, b: AssetData | undefined): boolean {
  return a?.['tls.crt'] === b?.['tls.crt'] && a?.['tls.key'] === b?.['tls.key']
}
