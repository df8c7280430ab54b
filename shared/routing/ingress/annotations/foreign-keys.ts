// What is to be thought of the keys of an Ingress that other controllers read? Weir acts on none of them.
//
// Invariant: a key that may protect and that the operator did not say to ignore (`--ignore-annotations`) closes the Ingress;
// nobody who moves an Ingress to Weir loses a guard without being told.
import { compileGlobs, type IsIgnored } from '../../../ignored-annotations.ts'
import { legacyAnnotation } from '../../../ingress-class.ts'
import type { Like } from '../../../like.ts'
import { families } from './families.ts'
import { type ForeignFamily, foreignFamilies } from './foreign-families.ts'
import { soundsProtective } from './unknown-key.ts'

/** What is to be said about keys of other controllers. */
export interface ForeignFinding {
  /** The key that it is about, or the first of them. */
  readonly key: string
  readonly mayProtect: boolean
  readonly message: string
  readonly remedy: string
}

// Compiled once: every key of every Ingress is asked about.
const listsOf = new Map(
  foreignFamilies.map((family) => [
    family,
    { isGuard: compileGlobs(family.protects), isHarmless: compileGlobs(family.harmless) },
  ]),
)

/** What asks for nothing, unless the name says that something is allowed. */
const off = /^(?:false|off|no|none|0)$/i
const opens = /allow|insecure|public|anonymous|disable|unauthenticated|skip|bypass/

/** By the names of other controllers (and the value of auth-type); the first that fits. */
const replacements: readonly (readonly [RegExp, string])[] = [
  [/white|allow.*(?:list|range|source|cidr)|inbound-cidrs|ip-?allow/, 'allow-source-ranges'],
  [/black|deny|block.*(?:list|range|source)/, 'deny-source-ranges'],
  [/jwt|auth-idp|oidc|cognito/, 'jwt-keys'],
  [/auth-?ur[il]/, 'auth-url'],
  [/auth-?(?:external|service|trust)|oauth|forward/, 'auth-service'],
  [/auth-(?:type|secret|realm)|basic-auth/, 'basic-auth-secret'],
  [/limit-?conn|concurren/, 'concurrency'],
  [/rate-?limit|limit-?r(?:eq|p[sm])/, 'rate-limit'],
  [/(?:ssl|https|tls)-redirect|force-(?:ssl|https)|redirect-to-https/, 'ssl-redirect'],
]

/**
 * Judges the keys of other controllers among those of one Ingress: each that may protect by itself, all others of a family at
 * once. Who takes over from ingress-nginx gets what it did: it read none of them.
 */
export function findForeign(
  given: ReadonlyMap<string, unknown>,
  isIgnored: IsIgnored,
  like?: Like,
): readonly ForeignFinding[] {
  const guards: ForeignFinding[] = []
  const idle = new Map<ForeignFamily, string[]>()
  for (const [key, value] of given) {
    const family = familyOf(key)
    if (family === undefined || isIgnored(key)) continue
    if (mayProtect(key, value, family)) guards.push(sayGuard(key, value, family))
    else idle.set(family, [...(idle.get(family) ?? []), key])
  }
  const found = like === 'ingress-nginx' ? guards.map(openThere) : guards
  return [...found, ...[...idle].map(([family, keys]) => sayIdle(keys, family))]
}

function sayGuard(key: string, value: unknown, { owner, prefix }: ForeignFamily): ForeignFinding {
  const name = nameOf(key, prefix)
  const text = name === 'auth-type' ? `auth-type ${value}` : name
  const instead = replacements.find(([form]) => form.test(text))?.[1]
  const use = instead === undefined ? 'Remove it' : `Use weir.dev/${instead}`
  return {
    key,
    mayProtect: true,
    message: `Weir does not read annotations of ${owner}.`,
    remedy: `${use}, or name it in --ignore-annotations when something else protects the routes.`,
  }
}

/** A guard that has not been there is not lost. */
function openThere(finding: ForeignFinding): ForeignFinding {
  const message = `${finding.message} ingress-nginx did not either: the protection that it seems to name never existed there, and the routes are served without it.`
  return { ...finding, mayProtect: false, message }
}

function sayIdle(keys: readonly string[], { owner }: ForeignFamily): ForeignFinding {
  const [key = ''] = keys
  const more = keys.length > 1 ? ` and ${keys.length - 1} more have` : ' has'
  return {
    key,
    mayProtect: false,
    message: `Weir does not read annotations of ${owner}: ${key}${more} no effect.`,
    remedy: 'Remove what is not needed any more, or name it in --ignore-annotations.',
  }
}

function familyOf(key: string): ForeignFamily | undefined {
  if (key === legacyAnnotation || families.some(({ prefix }) => key.startsWith(prefix))) {
    return undefined
  }
  return foreignFamilies.find(({ prefix }) => ownKeyOf(key, prefix) !== undefined)
}

/** Gives the key without its prefix; undefined when it has another one. */
function ownKeyOf(key: string, prefix: string): string | undefined {
  if (!prefix.startsWith('*')) return key.startsWith(prefix) ? key.slice(prefix.length) : undefined
  const at = key.indexOf(prefix.slice(1))
  return at < 1 ? undefined : key.slice(at + prefix.length - 1)
}

function nameOf(key: string, prefix: string): string {
  return (ownKeyOf(key, prefix) ?? key).toLowerCase()
}

function mayProtect(key: string, value: unknown, family: ForeignFamily): boolean {
  const name = nameOf(key, family.prefix)
  if (typeof value === 'string' && off.test(value.trim()) && !opens.test(name)) return false
  const lists = listsOf.get(family)
  if (lists?.isGuard(name) === true) return true
  return soundsProtective(name) && lists?.isHarmless(name) !== true
}
