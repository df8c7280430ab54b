// Is a request that arrived at an endpoint as a case wants it? One check per key.
import type { WantedAtService } from './case.ts'
import type { Seen } from './endpoint.ts'
import { mismatch, numberMismatch } from './matchers.ts'

type Facts = Omit<WantedAtService, 'count'>
type Check<K extends keyof Facts> = (
  wanted: NonNullable<Facts[K]>,
  seen: Seen,
) => string | undefined

const checks: { readonly [K in keyof Required<Facts>]: Check<K> } = {
  method: (wanted, { method }) => mismatch(wanted, [method]),
  path: (wanted, { path }) => mismatch(wanted, [path]),
  host: (wanted, { host }) => mismatch(wanted, [host]),
  protocol: (wanted, { protocol }) => mismatch(wanted, [protocol]),
  body: (wanted, { body }) => mismatch(wanted, [body]),
  bodyBytes: (wanted, { bodyBytes }) => numberMismatch(wanted, bodyBytes),
  headers(wanted, seen) {
    for (const [name, each] of Object.entries(wanted)) {
      const wrong = mismatch(each, seen.values(name))
      if (wrong !== undefined) return `${name}: ${wrong}`
    }
    return undefined
  },
  tls(wanted, { tls }) {
    if (typeof wanted === 'boolean') {
      return (tls !== undefined) === wanted ? undefined : `${wanted ? 'plain' : 'with'} TLS`
    }
    if (tls === undefined) return 'no TLS'
    const unknown = Object.keys(wanted).find((key) => key !== 'client' && key !== 'sni')
    if (unknown !== undefined) return `there is no check for ${unknown}`
    const { client = tls.client, sni = tls.sni } = wanted
    const isRight = client === tls.client && sni === tls.sni
    return isRight ? undefined : `${JSON.stringify(tls)}, not ${JSON.stringify(wanted)}`
  },
}

/** What is wrong with a request at its endpoint, in words; undefined when nothing is. */
export function checkAtService(wanted: Facts, seen: Seen): string | undefined {
  for (const key of Object.keys(wanted)) {
    if (!isKey(key)) return `there is no check for ${key}`
    const wrong = check(key, wanted, seen)
    if (wrong !== undefined) return `${key}: ${wrong}`
  }
  return undefined
}

function check<K extends keyof Facts>(key: K, wanted: Facts, seen: Seen): string | undefined {
  const value = wanted[key]
  return value === undefined ? undefined : checks[key](value, seen)
}

function isKey(key: string): key is keyof Facts {
  return Object.hasOwn(checks, key)
}
