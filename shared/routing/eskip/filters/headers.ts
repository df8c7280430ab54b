// Skipper's filters of header fields.
import type { FieldChange, FieldChangeFilter } from '../../filters/field-change.ts'
import { faultOfName } from '../../filters/header-edits.ts'
import { type Args, ArgumentFault } from './args.ts'
import { type FilterRow, type Made, only, served } from './row.ts'

type Side = FieldChangeFilter['on']

/** A change of one field; those that frame the message are left alone. */
function change(on: Side, args: Args, made: FieldChange, index = 0): Made {
  const name = args.text(index, 'name of a header').toLowerCase()
  if (on === 'request' && name === 'host')
    return only({ kind: 'field-change', on, name, change: made } as FieldChangeFilter)
  const fault = faultOfName(name)
  if (fault === undefined)
    return only({ kind: 'field-change', on, name, change: made } as FieldChangeFilter)
  if (/^'.*' is not a header name$/.test(fault)) throw new ArgumentFault(fault)
  return { note: `The header ${fault}.` }
}

function setting(on: Side, act: 'set' | 'append') {
  return (args: Args): Made => {
    args.expect(2)
    return change(on, args, { act, value: args.template(1, 'value') })
  }
}

/** The old names know no placeholders. */
function addingText(on: Side) {
  return (args: Args): Made => {
    args.expect(2)
    return change(on, args, { act: 'append', value: [args.text(1, 'value')] })
  }
}

function dropping(on: Side) {
  return (args: Args): Made => {
    args.expect(1)
    return change(on, args, { act: 'drop' })
  }
}

function droppingLines(on: Side) {
  return (args: Args): Made => {
    args.expect(2)
    return change(on, args, { act: 'drop-matching', pattern: args.text(1, 'pattern') })
  }
}

function replacing(on: Side) {
  return (args: Args): Made => {
    args.expect(3)
    const pattern = args.text(1, 'pattern')
    return change(on, args, { act: 'replace', pattern, replacement: args.text(2, 'replacement') })
  }
}

function copying(on: Side) {
  return (args: Args): Made => {
    args.expect(2)
    return change(on, args, { act: 'copy', from: args.text(0, 'source').toLowerCase() }, 1)
  }
}

function coding(on: Side, act: 'encode-base64' | 'decode-base64') {
  return (args: Args): Made => {
    args.expect(1, 2)
    const part = args.has(1) ? { part: args.whole(1, 'part') } : {}
    return change(on, args, { act, ...part })
  }
}

function recoding(on: Side) {
  return (args: Args): Made => {
    args.expect(2)
    args.oneOf(1, 'encoding', ['ISO8859_1'])
    return change(on, args, { act: 'to-latin1' })
  }
}

const fields = 'Fields of the connection (Connection, Content-Length, …) are left alone.'
const whole = 'Where a placeholder has no value nothing changes.'

/** Rows for both directions: names differ by `Request` and `Response`. */
function both(
  nameOf: (side: 'Request' | 'Response') => string,
  args: string,
  note: string,
  read: (on: Side) => FilterRow['read'],
): FilterRow[] {
  return [
    served(nameOf('Request'), args, note, read('request')),
    served(nameOf('Response'), args, note, read('response')),
  ]
}

export const headerRows: readonly FilterRow[] = [
  ...both(
    (side) => `set${side}Header`,
    'name, value',
    `${whole} ${fields}`,
    (on) => setting(on, 'set'),
  ),
  ...both(
    (side) => `append${side}Header`,
    'name, value',
    `${whole} ${fields}`,
    (on) => setting(on, 'append'),
  ),
  ...both((side) => `drop${side}Header`, 'name', fields, dropping),
  ...both(
    (side) => `drop${side}HeaderRegexp`,
    'name, pattern',
    'Drops the lines that have a match.',
    droppingLines,
  ),
  ...both(
    (side) => `drop${side}HeaderValueRegexp`,
    'name, pattern',
    'Skipper’s documents call the one before so; its program does not know this name.',
    droppingLines,
  ),
  ...both(
    (side) => `mod${side}Header`,
    'name, pattern, replacement',
    'Replaces all matches in the first line.',
    replacing,
  ),
  ...both(
    (side) => `copy${side}Header`,
    'source, target',
    'Copies the first line, where there is one.',
    copying,
  ),
  ...both(
    (side) => `encodeBase64${side}Header`,
    'name, [part]',
    'Parts are those between spaces, counted from 0.',
    (on) => coding(on, 'encode-base64'),
  ),
  ...both(
    (side) => `decodeBase64${side}Header`,
    'name, [part]',
    'What is no base64 stays.',
    (on) => coding(on, 'decode-base64'),
  ),
  ...both(
    (side) => `encode${side}Header`,
    'name, "ISO8859_1"',
    'Other encodings than ISO8859_1 are not supported.',
    recoding,
  ),
  served(
    'requestHeader',
    'name, value',
    'The old name of appendRequestHeader, without placeholders.',
    addingText('request'),
  ),
  served(
    'responseHeader',
    'name, value',
    'The old name of appendResponseHeader, without placeholders.',
    addingText('response'),
  ),
  served(
    'requestCopyHeader',
    'source, target',
    'The old name of copyRequestHeader.',
    copying('request'),
  ),
  served(
    'responseCopyHeader',
    'source, target',
    'The old name of copyResponseHeader.',
    copying('response'),
  ),
]
