// What do the annotations of one Ingress ask for, and what about them is wrong?
//
// Invariant: reading never throws and never stops at a bad key; each one is a problem of this Ingress alone.
// Invariant: a key that may protect something and is not understood closes all routes of the Ingress (503): Traefik's
// ignored denylist-source-range let everyone in.
import { type IsIgnored, ignoring } from '../../../ignored-annotations.ts'
import type { Ingress } from '../../../kube/objects.ts'
import { oneOfNames } from '../../../near-names.ts'
import type { Problem } from '../../../problem.ts'
import type { EskipContext } from '../../eskip/compile.ts'
import { filterKinds } from '../../filters/kinds.ts'
import type { BackendName } from '../../upstreams/backend-ref.ts'
import { type IngressDefaults, ownDefaults } from '../defaults.ts'
import { asPrefix } from '../path-wildcards.ts'
import { findingsOfCanary } from './canary-draft.ts'
import { createDraft, type Draft, filterOf, plainTerms } from './draft.ts'
import { families } from './families.ts'
import { type ForeignFinding, findForeign } from './foreign-keys.ts'
import { nginx } from './nginx.ts'
import { meantBy } from './nginx-inventions.ts'
import { idlePassthroughKey } from './passthrough.ts'
import { quote } from './quote.ts'
import { rememberTerms, type TermsFor } from './remember-terms.ts'
import {
  emptyIsNone,
  type Family,
  type Loss,
  lossOf,
  type Row,
  type UnsupportedRow,
} from './row.ts'
import { isPatternOnly, rulePathsOf } from './rule-paths.ts'
import { type Site, siteOf } from './site.ts'
import { judgeUnknown } from './unknown-key.ts'
import { withFilters } from './zalando-eskip.ts'

/** What the annotations of one Ingress ask for. */
export interface AnnotationReading {
  readonly termsFor: TermsFor
  /** True when the Prefix and ImplementationSpecific paths of this Ingress are patterns. */
  readonly useRegex: boolean
  /** True when all terms are those of an alternative. */
  readonly isAlternative?: boolean
  /** True when a `*` at the end of a path makes it a prefix. */
  readonly pathWildcards?: boolean
  /** What is asked for its hosts as a whole; absent: nothing. */
  readonly site?: Site
  /** What is asked for in Skipper's words beside the terms; absent: nothing. */
  readonly skipper?: SkipperWishes
  readonly problems: readonly AnnotationProblem[]
}

/** What an Ingress asks for in Skipper's words, and what the options say of them. */
export interface SkipperWishes
  extends Pick<Draft, 'match' | 'routes' | 'shares' | 'pathMode' | 'closed'> {
  readonly context: EskipContext
}

/** What is wrong. */
export interface AnnotationProblem extends Problem {
  /** The message for an Ingress without routes, where the other one would say what its routes answer. */
  readonly withoutRoutes?: string
  /** The message for a canary, which has nothing that could be closed. */
  readonly onCanary?: string
}

/** What the operator says of all Ingresses. */
export interface AnnotationOptions {
  /** `--ignore-annotations`. */
  readonly ignored: readonly string[]
  /** `--path-wildcards`. */
  readonly pathWildcards: boolean
  /** There is no `--listen-tls`. */
  readonly hasNoTls?: boolean
  /** `--default-backend`. */
  readonly defaultBackend?: BackendName | undefined
}

const nothingToClose =
  'It may protect routes, and none of this Ingress can be read: clients get 404, or what others serve there.'

const askNothing: AnnotationReading = {
  termsFor: () => plainTerms,
  useRegex: false,
  problems: [],
}
const askNothingOfWildcards: AnnotationReading = { ...askNothing, pathWildcards: true }

/** Makes the reader of annotations: of the families that Weir knows, and of what others may have protected. */
export function annotationReader(options: AnnotationOptions): typeof readAnnotations {
  const isIgnored = ignoring(options.ignored)
  return (ingress, defaults = ownDefaults) => readWith(ingress, defaults, isIgnored, options)
}

/** Reads the annotations of one Ingress on top of `defaults`; all options are as when none is given. */
export function readAnnotations(
  ingress: Ingress,
  defaults: IngressDefaults = ownDefaults,
): AnnotationReading {
  return readWith(ingress, defaults, () => false, { pathWildcards: false })
}

function readWith(
  ingress: Ingress,
  defaults: IngressDefaults,
  isIgnored: IsIgnored,
  options: Omit<AnnotationOptions, 'ignored'>,
): AnnotationReading {
  const given: ReadonlyMap<string, unknown> = new Map(
    Object.entries(ingress.metadata?.annotations ?? {}),
  )
  const present = families.filter(({ prefix }) =>
    [...given.keys()].some((key) => key.startsWith(prefix)),
  )
  const foreign = findForeign(given, isIgnored, defaults.like)
  if (present.length + foreign.length === 0 && defaults === ownDefaults) {
    return options.pathWildcards ? askNothingOfWildcards : askNothing
  }

  const reader = new AnnotationReader(ingress, defaults, options)
  reader.readForeign(foreign)
  for (const family of present) reader.readFamily(family, given)
  return reader.finish()
}

function skipperWishesOf(draft: Draft): SkipperWishes | undefined {
  const { match, routes, pathMode, defaults, namespace } = draft
  // Who comes from Skipper has several rules of one path to share its requests.
  const shares = draft.shares ?? (defaults.like === 'skipper' ? new Map() : undefined)
  const { eastWest } = defaults.eskip ?? {}
  if ((match ?? routes ?? shares ?? pathMode ?? eastWest) === undefined) return undefined
  return {
    context: { ...defaults.eskip, namespace },
    ...(match && { match }),
    ...(routes && { routes }),
    ...(draft.closed === undefined ? {} : { closed: draft.closed }),
    ...(shares && { shares }),
    ...(pathMode && { pathMode }),
  }
}

const emptyHere = 'The value is empty, and counts as absent, as it does in ingress-nginx.'
const neverKnown =
  'ingress-nginx never knew this annotation and ignored it: the protection that it seems to name never existed, and the routes are served without it.'

const consequences: Readonly<Record<Loss, string>> = {
  harmless: '',
  protection: ' Its routes answer 503, since it may protect them.',
  match:
    ' Its routes answer 503 where no other Ingress of its namespace serves the same path, since it may protect them.',
}

class AnnotationReader {
  readonly #ingress: Ingress
  readonly #problems: AnnotationProblem[] = []
  #draft: Draft

  constructor(
    ingress: Ingress,
    defaults: IngressDefaults,
    { pathWildcards, hasNoTls = false, defaultBackend }: Omit<AnnotationOptions, 'ignored'>,
  ) {
    this.#ingress = ingress
    const { namespace = 'default', name = '' } = ingress.metadata ?? {}
    const draft = createDraft(namespace, name, pathWildcards, defaults, hasNoTls)
    this.#draft = defaultBackend === undefined ? draft : { ...draft, globalBackend: defaultBackend }
  }

  readFamily({ prefix, rows, hasPhases }: Family, given: ReadonlyMap<string, unknown>): void {
    if (hasPhases === true) this.#draft = { ...this.#draft, hasNginxKeys: true }
    for (const row of rows) {
      const key = prefix + row.key
      if (given.has(key)) this.#readRow(row, key, given.get(key))
    }
    const known = new Set(rows.map((row) => row.key))
    for (const key of given.keys()) {
      const ownKey = key.startsWith(prefix) ? key.slice(prefix.length) : undefined
      if (ownKey !== undefined && !known.has(ownKey)) this.#reportUnknown(key, prefix, ownKey, rows)
    }
  }

  readForeign(findings: readonly ForeignFinding[]): void {
    for (const { key, mayProtect, message, remedy } of findings) {
      const loss = mayProtect ? 'protection' : 'harmless'
      this.#report('unknown-annotation', key, loss, message, remedy)
    }
  }

  finish(): AnnotationReading {
    const { firewall } = this.#draft.defaults
    if (firewall !== undefined && this.#draft.declinesFirewall !== true) {
      this.#draft = { ...this.#draft, closed: this.#draft.closed ?? firewall }
    }
    if (!this.#draft.useRegex && this.#meansPatterns()) {
      this.#draft = { ...this.#draft, useRegex: true }
    }
    this.#checkFilters()
    this.#addDefaultFilters()
    const isPrefixLost =
      this.#draft.forwardedPrefix !== undefined && this.#draft.rewrite === undefined
    this.#reportIdle('x-forwarded-prefix', isPrefixLost)
    this.#checkPassthrough()
    for (const { key, message, remedy } of findingsOfCanary(this.#draft.canary)) {
      this.#report(
        'invalid-annotation',
        `nginx.ingress.kubernetes.io/${key}`,
        'harmless',
        message,
        remedy,
      )
    }
    const draft = this.#checkRewrite(this.#draft)
    const termsFor = rememberTerms(draft, this.#ingress)
    const site = siteOf(draft, termsFor)
    const skipper = skipperWishesOf(draft)
    return {
      ...(site === undefined ? {} : { site }),
      ...(skipper === undefined ? {} : { skipper }),
      termsFor,
      useRegex: draft.useRegex,
      isAlternative: draft.canary?.isOn === true,
      pathWildcards: draft.pathWildcards,
      problems: this.#problems,
    }
  }

  #readRow(row: Row, key: string, value: unknown): void {
    // Manifests can hold what the API server would refuse, such as an unquoted `true`.
    if (typeof value !== 'string') {
      this.#refuse(row, key, 'The value is not text.', 'Quote it.')
      return
    }
    const text = value.trim()
    const isOfNginx = key.startsWith(nginx.prefix)
    if (text === '' && isOfNginx && emptyIsNone(row, this.#draft.defaults)) {
      const remedy = 'Remove it, or give it a value.'
      if (row.failsClosed) this.#report('invalid-annotation', key, 'harmless', emptyHere, remedy)
      return
    }
    if (row.state === 'unsupported') {
      if (!row.inert.includes(text.toLowerCase())) this.#reportUnsupported(key, row)
      return
    }
    const change = row.read(text, this.#draft)
    if (typeof change !== 'string') {
      const { remark, ...rest } = change
      this.#draft = { ...this.#draft, ...rest }
      if (remark !== undefined) {
        const message = `The value ${quote(text)} ${remark}.`
        this.#report('invalid-annotation', key, 'harmless', message, `Write it as: ${row.value}.`)
      }
      return
    }
    this.#refuse(row, key, `The value ${quote(text)} ${change}.`, `Write it as: ${row.value}.`)
  }

  #refuse(row: Row, key: string, message: string, remedy: string): void {
    this.#report('invalid-annotation', key, lossOf(row), message, remedy)
    this.#closeHost(row, key, message)
  }

  /** What guards a whole host in ingress-nginx is lost for all of its routes. */
  #closeHost({ ofHost }: Row, key: string, message: string): void {
    if (ofHost?.(this.#draft.defaults) === true)
      this.#draft = { ...this.#draft, hostClosed: `${key}: ${message}` }
  }

  #reportUnsupported(key: string, row: UnsupportedRow): void {
    const message = 'Weir knows this annotation and does not support it.'
    this.#report('unknown-annotation', key, lossOf(row), message, row.meaning)
    this.#closeHost(row, key, message)
  }

  #reportUnknown(key: string, prefix: string, ownKey: string, rows: readonly Row[]): void {
    const { nearest, loss } = judgeUnknown(ownKey, rows)
    const elsewhere = families.filter((other) => other.rows.some((row) => row.key === ownKey))
    const near =
      elsewhere.length > 0
        ? elsewhere.map((other) => other.prefix + ownKey)
        : nearest.map((name) => prefix + name)
    const isOfNginx = prefix === nginx.prefix
    const meant = (isOfNginx ? meantBy(ownKey) : undefined) ?? oneOfNames(near)
    const remedy = meant === undefined ? 'Remove it.' : `Did you mean ${meant}?`
    // ingress-nginx served such routes, open: `--like` promises no more than that.
    const wasIgnored = isOfNginx && this.#draft.defaults.like === 'ingress-nginx'
    this.#report(
      'unknown-annotation',
      key,
      wasIgnored ? 'harmless' : loss,
      wasIgnored && loss !== 'harmless' ? neverKnown : 'Weir does not know this annotation.',
      remedy,
    )
  }

  #report(
    reason: 'unknown-annotation' | 'invalid-annotation',
    key: string,
    loss: Loss,
    message: string,
    remedy: string,
  ): void {
    const { namespace = '', name = '' } = this.#ingress.metadata ?? {}
    if (loss !== 'harmless' && this.#draft.closed === undefined) {
      this.#draft = { ...this.#draft, closed: `${key}: ${message}` }
    }
    // Requests that an unread condition would have left to others must not be closed to them.
    if (loss === 'match') this.#draft = { ...this.#draft, conditions: undefined }
    this.#problems.push({
      reason,
      kind: 'Ingress',
      namespace,
      name,
      field: `metadata.annotations[${JSON.stringify(key)}]`,
      message: message + consequences[loss],
      remedy,
      ...(loss === 'harmless'
        ? {}
        : { withoutRoutes: `${message} ${nothingToClose}`, onCanary: message }),
    })
  }

  /** Asks each kind about the filter that its keys make together; one that cannot be served is left out, or closes. */
  #checkFilters(): void {
    for (const [name, { parts, key }] of Object.entries(this.#draft.filters)) {
      const kind = filterKinds.get(name)
      const fault = kind?.fault(filterOf(name, parts))
      if (fault === undefined) continue
      const { [name]: _left, ...filters } = this.#draft.filters
      this.#draft = { ...this.#draft, filters }
      const message = `With its other annotations it cannot be served: ${fault}.`
      const remedy = 'Mend the annotations of this name; docs/annotations.md lists them.'
      const loss = kind?.isGuard === true ? 'protection' : 'harmless'
      this.#report('invalid-annotation', key, loss, message, remedy)
    }
  }

  /** Those of the operator count where the Ingress has none of its own, too. */
  #addDefaultFilters(): void {
    const { prepend = [], append = [] } = this.#draft.defaults.eskip ?? {}
    if (this.#draft.calls !== undefined || prepend.length + append.length === 0) return
    const change = withFilters(this.#draft, [])
    if (typeof change !== 'string') this.#draft = { ...this.#draft, ...change }
    else this.#draft = { ...this.#draft, closed: this.#draft.closed ?? change }
  }

  #checkPassthrough(): void {
    const key = idlePassthroughKey(this.#draft, this.#ingress, this.#paths())
    if (key === undefined) return
    this.#report(
      'invalid-annotation',
      key,
      'harmless',
      'Only the path / is passed through, and no rule has it: TLS of these hosts ends at Weir.',
      'Give a rule the path /, or remove it.',
    )
  }

  /** The paths of the rules; a wildcard at the end is what it means. */
  #paths(): readonly unknown[] {
    const paths = rulePathsOf(this.#ingress)
    if (!this.#draft.pathWildcards) return paths
    return paths.map((path) => (typeof path === 'string' ? (asPrefix(path) ?? path) : path))
  }

  /** nginx turns patterns on for a rewrite; Weir does where that is what the author must have meant. */
  #meansPatterns(): boolean {
    const { rewrite, rewriteUrl } = this.#draft
    const target = rewrite?.kind === 'target' ? rewrite.replacement : rewriteUrl?.path
    if (target === undefined) return false
    return /\$[1-9]/.test(target) || this.#paths().some(isPatternOnly)
  }

  /** What has no effect is said: its author believes that it has one. */
  #reportIdle(nginxKey: string, isIdle: boolean): void {
    if (!isIdle) return
    const key = `nginx.ingress.kubernetes.io/${nginxKey}`
    const remedy = 'Add rewrite-target, or remove it.'
    const message = 'The annotation has no effect here.'
    this.#report('invalid-annotation', key, 'harmless', message, remedy)
  }

  #checkRewrite(draft: Draft): Draft {
    if (draft.rewrite?.kind !== 'prefix' || !draft.useRegex) return draft
    const message = 'A prefix rewrite has no prefix to replace where paths are patterns.'
    this.#report(
      'invalid-annotation',
      'weir.dev/rewrite-prefix',
      'protection',
      message,
      'Use weir.dev/rewrite-target.',
    )
    return this.#draft
  }
}
