// What does it cost to find one field among those of a browser's request, as conditions do, and by a walk over all lines?
import { dropFields, FieldCursor, fieldValue } from '../../proxy/http/fields.ts'
import { measure } from './measure.ts'

const names = ['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Cookie']
const lines = [...names, 'X-Canary'].map((name) => `${name}: ${'value '.repeat(8)}\r\n`).join('')
/** Flat strings of their own, as a request's fields are. */
const requests = Array.from({ length: 256 }, (_, i) =>
  Buffer.from(`${lines}X-Number: ${i}\r\n`).toString('latin1'),
)
const cursor = new FieldCursor()

function walk(text: string, name: string): string | undefined {
  cursor.start(`${text}\r\n`, 0)
  while (cursor.next() > 0) if (cursor.name() === name) return cursor.value()
  return undefined
}

measure('one field of 8, by its name', (i) => fieldValue(requests[i & 255] ?? '', 'x-canary', ', '))
measure('a field that is not there', (i) => fieldValue(requests[i & 255] ?? '', 'x-absent', ', '))
measure('one field of 8, by a walk', (i) => walk(requests[i & 255] ?? '', 'x-canary'))
const absent = new Set(['x-absent', 'x-gone'])
const present = new Set(['x-canary', 'x-gone'])
measure('two fields dropped that are not there', (i) => dropFields(requests[i & 255] ?? '', absent))
measure('one of 8 fields dropped', (i) => dropFields(requests[i & 255] ?? '', present))
