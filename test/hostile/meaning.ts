// Does what reached the upstream mean what the client sent? Pure. RFC 9110 §7.6: hop-by-hop fields go, the rest stays.
import { listOf, type Message } from './grammar.ts'

// Fields a proxy may remove, rewrite or set itself; every other one must arrive with the same values in order.
const proxyOwned = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'content-length', 'te'],
  ...['trailer', 'upgrade', 'http2-settings', 'expect', 'host', 'forwarded', 'x-real-ip', 'via'],
  ...['x-request-id', 'proxy-authorization', 'proxy-authenticate', 'date', 'server'],
  ...['true-client-ip', 'cf-connecting-ip', 'x-amzn-trace-id'],
])

function isProxyOwned(name: string): boolean {
  // Names with an underscore look like others to CGI; dropping them is a policy, not a loss (reliability §3.4).
  return (
    proxyOwned.has(name) ||
    name.startsWith('x-forwarded-') ||
    name.startsWith('sec-websocket-') ||
    name.includes('_')
  )
}

function endToEnd(message: Message, connectionListed: ReadonlySet<string>): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const [name, value] of message.fields) {
    const key = name.toLowerCase()
    if (isProxyOwned(key) || connectionListed.has(key)) continue
    fields.set(key, [...(fields.get(key) ?? []), value])
  }
  return fields
}

/** Removes dot segments (RFC 3986 §5.2.4); never climbs above the root. */
export function removeDots(path: string): string {
  const out: string[] = []
  const segments = path.split('/').slice(1)
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    if (segment === '.' || segment === '..') {
      if (segment === '..') out.pop()
      if (last) out.push('')
    } else out.push(segment)
  }
  return `/${out.join('/')}`
}

/** Decodes every %XX once, as bytes. */
export function decodeOnce(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Gives the path of a target in origin-form or absolute-form. */
export function pathOf(target: string): string {
  const origin = target.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/, '')
  const path = origin.split(/[?#]/, 1)[0] ?? ''
  return path === '' ? '/' : path
}

function queryOf(target: string): string {
  return /\?([^#]*)/.exec(target)?.[1] ?? ''
}

// Equal canonical forms: one is a normalisation of the other.
function canonical(path: string): string {
  return removeDots(decodeOnce(path).replaceAll('\\', '/').replace(/\/+/g, '/'))
}

/**
 * Says how a request at the upstream differs from the one that was sent; empty when it does not.
 * `mended`: a body outside the strict grammar that the case lets a proxy mend.
 */
export function differences(sent: Message, seen: Message, mended: boolean): string[] {
  const found: string[] = []
  if (sent.method !== seen.method) found.push(`method ${seen.method} instead of ${sent.method}`)
  const sameTarget =
    sent.target === seen.target ||
    (canonical(pathOf(sent.target)) === canonical(pathOf(seen.target)) &&
      decodeOnce(queryOf(sent.target)) === decodeOnce(queryOf(seen.target))) ||
    viewsOf(sent.target).includes(seen.target) ||
    sent.target.replace('#', '%23') === seen.target
  if (!sameTarget) found.push(`target ${seen.target} instead of ${sent.target.slice(0, 80)}`)
  const listed = new Set(listOf(sent, 'connection'))
  const wanted = endToEnd(sent, listed)
  const got = endToEnd(seen, new Set())
  for (const [name, values] of wanted) {
    // Lines of one name may be joined (RFC 9110 §5.3).
    const joined = (got.get(name) ?? []).join(', ')
    if (joined !== values.join(', ')) {
      found.push(`field ${name}: ${JSON.stringify(joined.slice(0, 80))}`)
    }
  }
  if (sent.complete && seen.complete) {
    if (sent.bodyBytes !== seen.bodyBytes || sent.body !== seen.body) found.push('another body')
  }
  if (!sent.complete && seen.complete && !mended) found.push('completed as if the body were whole')
  return found
}

/** Gives every reading of a target that an upstream may take (cases/README: decoded once, `\`, `;x`, slashes). */
export function viewsOf(target: string): readonly string[] {
  const views = new Set<string>()
  const path = pathOf(target)
  const cutParameters = (text: string) => text.replace(/;[^/]*/g, '')
  for (const decode of [(text: string) => text, decodeOnce]) {
    for (const first of [path, cutParameters(path)]) {
      for (const parameters of [(text: string) => text, cutParameters]) {
        for (const slashes of [
          (text: string) => text,
          (text: string) => text.replaceAll('\\', '/'),
        ]) {
          const view = parameters(slashes(decode(first)))
          views.add(removeDots(view))
          views.add(removeDots(view.replace(/\/+/g, '/')))
        }
      }
    }
  }
  return [...views]
}

/** Says whether `path` is `prefix` or lies below it. */
export function isUnder(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
}
