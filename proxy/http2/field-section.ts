// How do field sections of HTTP/2 become the field lines that Weir works on, and the other way round? (RFC 9113 §8.2)
//
// Invariant: a line comes of one field and holds nothing that could end it: no CR, no LF, no NUL (the downgrade to HTTP/1.1 is where
// others were split).
import type { FieldLines } from '../../shared/routing/filters/kind.ts'
import { trimmed } from '../http/fields.ts'
import { maxTrailerBytes, mayBeTrailer } from '../http/trailers.ts'

const name = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
// RFC 9113 §8.2.1: no control byte, and no white space around it.
const value = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

// RFC 9113 §8.2.2: what HTTP/1 says about a connection, frames say here.
const ofConnection: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
])

/** Says whether a field is as RFC 9113 §8.2 allows it: its name in lower case, none of the connection's. */
export function isField(fieldName: string, fieldValue: string): boolean {
  if (!name.test(fieldName) || !value.test(fieldValue)) return false
  if (fieldName === 'te') return fieldValue === 'trailers'
  return !ofConnection.has(fieldName)
}

/** Makes lines of the trailer section of a request, without those that nobody passes on; undefined when it is malformed. */
export function readTrailers(list: readonly string[]): FieldLines | undefined {
  let lines = ''
  let bytes = 0
  for (let at = 0; at < list.length; at += 2) {
    const fieldName = list[at] ?? ''
    const fieldValue = list[at + 1] ?? ''
    if (!isField(fieldName, fieldValue)) return undefined
    bytes += fieldName.length + fieldValue.length + 4
    if (bytes > maxTrailerBytes) return undefined
    if (mayBeTrailer(fieldName)) lines += `${fieldName}: ${fieldValue}\r\n`
  }
  return lines
}

/** Adds names and values of accepted lines to `list`, one behind the other; those of a connection are left out. */
export function addFields(list: string[], lines: FieldLines): void {
  for (let at = 0; at < lines.length; ) {
    const end = lines.indexOf('\r\n', at)
    const colon = lines.indexOf(':', at)
    const fieldName = lines.slice(at, colon).toLowerCase()
    if (!ofConnection.has(fieldName)) list.push(fieldName, trimmed(lines, colon + 1, end))
    at = end + 2
  }
}

/** The same as an object, as Node wants interim responses and trailers. */
export function fieldObject(lines: FieldLines): Record<string, string[]> {
  const list: string[] = []
  addFields(list, lines)
  const fields: Record<string, string[]> = Object.create(null)
  for (let at = 0; at < list.length; at += 2) {
    const fieldName = list[at] ?? ''
    fields[fieldName] ??= []
    fields[fieldName].push(list[at + 1] ?? '')
  }
  return fields
}
