// Which host does a rule name? Exact (`a.test`), wildcard (`*.a.test`, exactly one label) or none (``).
//
// Invariant: what comes out is lower case, without trailing dot, and a DNS name by the API server's own rule (RFC 1123).
import { isIP } from 'node:net'
import { isAbsent, type Report, shown } from '../shapes.ts'
import type { Parsed } from './annotations/values.ts'

const remedy =
  'Use a DNS name such as shop.example.com or *.example.com (one * as the first label), without port; leave host out to match every host.'

/** Reads a rule's host; undefined when it was refused and reported. */
export function parseHost(value: unknown, field: string, report: Report): string | undefined {
  if (isAbsent(value) || value === '') return ''
  if (typeof value !== 'string') {
    report('invalid-host', field, `The host ${shown(value)} is not text.`, remedy)
    return undefined
  }
  const result = readHost(value)
  if (result.ok) return result.value
  report('invalid-host', field, `The host ${shown(value)} ${result.reason}.`, remedy)
  return undefined
}

/** Reads a host that has a name. */
export function readHost(text: string): Parsed<string> {
  const lower = text.toLowerCase()
  const host = lower.endsWith('.') ? lower.slice(0, -1) : lower
  const wrong = whatIsWrong(host)
  return wrong === undefined ? { ok: true, value: host } : { ok: false, reason: wrong }
}

function whatIsWrong(host: string): string | undefined {
  if (host.length > 253) return 'is longer than 253 characters'
  const name = host.startsWith('*.') ? host.slice(2) : host
  if (isIP(name) !== 0) return 'is an IP address'
  if (name.includes('*')) return 'has a * elsewhere than as its whole first label'
  for (const label of name.split('.')) {
    if (label === '') return 'has an empty label'
    if (!/^[a-z0-9-]+$/.test(label)) {
      return 'has characters other than letters, digits, - and .'
    }
    if (label.startsWith('-') || label.endsWith('-')) return 'has a label with - at an end'
  }
  return undefined
}
