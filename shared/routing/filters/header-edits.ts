// Which header lines are dropped and which are appended when a head is written on?
//
// Invariant: no edit can end a line, start another field, or touch the fields that frame the message (request smuggling).

import type { FieldEdits, Filter, FilterKind } from './kind.ts'

/** Changes to header fields; names in lower case. `set` replaces, `add` appends a line, `remove` drops all lines. */
export interface HeaderEdits {
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly add: readonly (readonly [name: string, value: string])[]
  readonly remove: readonly string[]
}

/** Edits the fields that go upstream. */
export interface RequestHeadersFilter extends Filter, HeaderEdits {
  readonly kind: 'request-headers'
}

/** Edits the fields of an upstream's response. */
export interface ResponseHeadersFilter extends Filter, HeaderEdits {
  readonly kind: 'response-headers'
}

export const requestHeadersKind: FilterKind<RequestHeadersFilter> = {
  kind: 'request-headers',
  fault: faultOfEdits,
  compile(filter) {
    const requestEdits = compileEdits(filter)
    return requestEdits === undefined ? {} : { requestEdits }
  },
}

export const responseHeadersKind: FilterKind<ResponseHeadersFilter> = {
  kind: 'response-headers',
  fault: faultOfEdits,
  compile(filter) {
    const responseEdits = compileEdits(filter)
    return responseEdits === undefined ? {} : { responseEdits }
  },
}

const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
// RFC 9110 §5.5 without obs-text: what is configured is ASCII, not starting or ending with white space.
const value = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/

// Framing and connection fields belong to the wire (RFC 9110 §7.6.1, RFC 9112 §6), `host` to routing.
const reserved: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Says why a lower-case name cannot be edited, or undefined when it can. */
export function faultOfName(name: string): string | undefined {
  if (!token.test(name)) return `'${name}' is not a header name`
  return reserved.has(name) ? `'${name}' belongs to the connection and cannot be edited` : undefined
}

/** Says why a text cannot be a field value, or undefined when it can. */
export function faultOfValue(text: string): string | undefined {
  return value.test(text) ? undefined : 'a header value must be one line of ASCII text'
}

/** Says what is wrong with a set of edits, or undefined when they may be compiled. */
function faultOfEdits(edits: HeaderEdits): string | undefined {
  for (const [name, text] of [...edits.set, ...edits.add]) {
    const fault = faultOfName(name) ?? faultOfValue(text)
    if (fault !== undefined) return fault
  }
  return edits.remove.map(faultOfName).find((fault) => fault !== undefined)
}

/** Prepares edits that faultOfEdits accepts; undefined when they change nothing. */
export function compileEdits(edits: HeaderEdits): FieldEdits | undefined {
  const dropped = new Set([...edits.remove, ...edits.set.map(([name]) => name)])
  const appended = [...edits.set, ...edits.add]
    .map(([name, text]) => `${name}: ${text}\r\n`)
    .join('')
  return dropped.size === 0 && appended === '' ? undefined : { dropped, appended }
}
