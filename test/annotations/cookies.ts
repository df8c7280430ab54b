// Which cookies does a response set, and which does a client send back (RFC 6265 §5, for one host at a time)?
import { fieldsOf, type RawResponse } from '../support/raw-client.ts'

/** A Set-Cookie line, read. */
export interface Cookie {
  readonly name: string
  readonly value: string
  /** By name in lower case; an attribute without a value is the empty text. */
  readonly attributes: ReadonlyMap<string, string>
}

/** Reads all Set-Cookie lines of a response. */
export function cookiesOf(response: RawResponse): readonly Cookie[] {
  return fieldsOf(response, 'set-cookie').map((line) => {
    const [pair = '', ...rest] = line.split(';').map((part) => part.trim())
    const attributes = rest.map((part): [string, string] => {
      const [name, value] = cut(part)
      return [name.toLowerCase(), value]
    })
    const [name, value] = cut(pair)
    return { name, value, attributes: new Map(attributes) }
  })
}

/** How long a cookie lives from now; Max-Age wins over Expires (RFC 6265 §5.3). Undefined: as long as the client. */
export function lifetimeSeconds({ attributes }: Cookie): number | undefined {
  const age = attributes.get('max-age')
  if (age !== undefined) return Number(age)
  const expires = attributes.get('expires')
  return expires === undefined ? undefined : (Date.parse(expires) - Date.now()) / 1000
}

interface Kept {
  readonly name: string
  readonly value: string
  readonly path: string
}

/** Cookie jars by name. */
export class Jars {
  readonly #jars = new Map<string, Map<string, Kept>>()

  /** Keeps, replaces and forgets what a response to a request for `target` says. */
  keep(jar: string, response: RawResponse, target: string): void {
    const kept = this.#jars.get(jar) ?? new Map<string, Kept>()
    this.#jars.set(jar, kept)
    for (const cookie of cookiesOf(response)) {
      const { name, value, attributes } = cookie
      const path = attributes.get('path') ?? defaultPath(target)
      const lifetime = lifetimeSeconds(cookie)
      if (lifetime !== undefined && lifetime <= 0) kept.delete(`${name} ${path}`)
      else kept.set(`${name} ${path}`, { name, value, path })
    }
  }

  /** The value of the Cookie field for a request; empty when there is none to send. */
  header(jar: string, target: string): string {
    const path = target.replace(/\?.*/, '')
    return [...(this.#jars.get(jar)?.values() ?? [])]
      .filter((cookie) => isWithin(path, cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }
}

function isWithin(path: string, of: string): boolean {
  return path === of || path.startsWith(of.endsWith('/') ? of : `${of}/`)
}

function defaultPath(target: string): string {
  const path = target.replace(/\?.*/, '')
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

function cut(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=')
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
