// How do the cookies of an application look that believes to be served by another host, or under another path?
//
// Invariant: only the attributes Domain and Path change; names, values and the other attributes stay as they came.
import type { Filter, FilterKind } from './kind.ts'

/** What is replaced by what. */
export interface Replacement {
  readonly from: string
  readonly to: string
}

/** Changes the Set-Cookie fields of an upstream (nginx `proxy_cookie_domain`, `proxy_cookie_path`). */
export interface RewriteCookiesFilter extends Filter {
  readonly kind: 'rewrite-cookies'
  /** A whole domain, in any case; a dot in front of it, or of the cookie's, does not count. */
  readonly domain?: Replacement
  /** The begin of a path. The replacement may bring attributes: `/; Secure`. */
  readonly path?: Replacement
}

// Printable ASCII, and nothing that could end the line (RFC 9110 §5.5).
const printable = /^[ -~]*$/

export const rewriteCookiesKind: FilterKind<RewriteCookiesFilter> = {
  kind: 'rewrite-cookies',
  fault({ domain, path }) {
    const texts = [domain, path].flatMap((part) => (part === undefined ? [] : [part.from, part.to]))
    if (texts.length === 0) return 'neither a domain nor a path is to be replaced'
    return texts.every((text) => printable.test(text)) ? undefined : 'it must be printable ASCII'
  },
  compile(filter) {
    return {
      response: {
        kind: 'sync',
        includesOwn: false,
        decide(response) {
          const before = response.values('set-cookie')
          if (before.length === 0) return undefined
          const after = before.map((cookie) => rewriteCookie(cookie, filter))
          if (after.some((cookie, index) => cookie !== before[index])) {
            response.dropField('set-cookie')
            for (const cookie of after) response.addField('set-cookie', cookie)
          }
          return undefined
        },
      },
    }
  },
}

function rewriteCookie(cookie: string, { domain, path }: RewriteCookiesFilter): string {
  // The first part is name and value: what looks like an attribute there is none (RFC 6265 §5.2).
  const [pair = '', ...attributes] = cookie.split(';')
  const changed = attributes.map((attribute) => {
    const match = /^(\s*(domain|path)\s*=\s*)(.*?)(\s*)$/i.exec(attribute)
    if (match === null) return attribute
    const [, start = '', name = '', value = '', end = ''] = match
    const isDomain = name.toLowerCase() === 'domain'
    return start + (isDomain ? domainFor(value, domain) : pathFor(value, path)) + end
  })
  return [pair, ...changed].join(';')
}

function domainFor(value: string, replacement: Replacement | undefined): string {
  if (replacement === undefined) return value
  const dot = value.startsWith('.') ? '.' : ''
  const isMeant = value.slice(dot.length).toLowerCase() === undotted(replacement.from).toLowerCase()
  return isMeant ? dot + undotted(replacement.to) : value
}

function undotted(domain: string): string {
  return domain.startsWith('.') ? domain.slice(1) : domain
}

function pathFor(value: string, replacement: Replacement | undefined): string {
  return replacement !== undefined && value.startsWith(replacement.from)
    ? replacement.to + value.slice(replacement.from.length)
    : value
}
