// Which field of a request or a response changes, and how, as Skipper's header filters do it: in the order of the filters, by
// texts that may hold parts of both, by patterns, and from one field to another.
//
// Invariant: as in header-edits.ts, no change can end a line or touch the fields that frame the message.
import { holdsControls, latin1Of, textOfLatin1 } from '../../latin1-text.ts'
import { compileReplaceAll, compileSearch } from '../pattern.ts'
import { bounded } from './bounded-text.ts'
import { faultOfName } from './header-edits.ts'
import type { FieldEdits, Filter, FilterKind, RequestView, ResponseView, Stages } from './kind.ts'
import { compileTemplate, firstLine, fixedText, linesOf, type TemplateText } from './template.ts'

/** One change of one field, of what goes upstream or of the response to the client. */
export interface FieldChangeFilter extends Filter {
  readonly kind: 'field-change'
  readonly on: 'request' | 'response'
  /** In lower case; `host` of a request is what goes upstream as its Host. */
  readonly name: string
  readonly change: FieldChange
}

export type FieldChange =
  /** Where a part of the text is missing nothing changes. */
  | { readonly act: 'set' | 'append'; readonly value: TemplateText }
  | { readonly act: 'drop' }
  /** Drops the lines in which the pattern has a match. */
  | { readonly act: 'drop-matching'; readonly pattern: string }
  /** Replaces all matches in the first line; `$1` and `${name}` are groups, as Go's regexp has them. */
  | { readonly act: 'replace'; readonly pattern: string; readonly replacement: string }
  /** Gets the value of the first line of another field, where there is one. */
  | { readonly act: 'copy'; readonly from: string }
  /** Base64 (RFC 4648 §4) of the whole value, or of one of its parts between spaces, counted from 0. */
  | { readonly act: 'encode-base64' | 'decode-base64'; readonly part?: number }
  /** From UTF-8 to latin1; what latin1 does not have leaves the field as it is. */
  | { readonly act: 'to-latin1' }

const hostValue = /^[A-Za-z0-9._~!$&'()*+,;=%:[\]-]+$/

export const fieldChangeKind: FilterKind<FieldChangeFilter> = {
  kind: 'field-change',
  isGuard: true,
  fault({ on, name, change }) {
    const isHost = on === 'request' && name === 'host'
    const ofName = isHost ? undefined : faultOfName(name)
    return ofName ?? faultOfChange(change)
  },
  compile({ on, name, change }, { place: { path } }): Stages {
    if (on === 'response') return responseStages(name, change, path)
    return name === 'host' ? hostStages(change, path) : requestStages(name, change, path)
  },
}

function faultOfChange(change: FieldChange): string | undefined {
  switch (change.act) {
    case 'set':
    case 'append':
      return change.value.some((part) => typeof part === 'string' && holdsControls(part))
        ? 'a header value must be one line'
        : undefined
    case 'drop-matching': {
      const result = compileSearch(change.pattern)
      return result.ok ? undefined : result.reason
    }
    case 'replace': {
      const result = compileReplaceAll(change.pattern, change.replacement)
      return result.ok ? undefined : result.reason
    }
    case 'copy':
      return change.from === 'host' ? undefined : faultOfName(change.from)
    case 'drop':
    case 'encode-base64':
    case 'decode-base64':
    case 'to-latin1':
      return undefined
  }
}

function requestStages(name: string, change: FieldChange, routePath: string): Stages {
  const requestEdits = editsOf(name, change)
  if (requestEdits !== undefined) return { requestEdits }
  const run = compileChange(change, { first: firstLine, lines: linesOf }, routePath)
  return {
    request: {
      kind: 'sync',
      decide(request) {
        const values = run(request, name)
        if (values === undefined) return undefined
        if (values.length === 0) request.dropField(name)
        else request.setField(name, values.join(', '))
        return undefined
      },
    },
  }
}

function responseStages(name: string, change: FieldChange, routePath: string): Stages {
  const edits = editsOf(name, change)
  if (edits !== undefined) return { responseEdits: edits, ownEdits: edits }
  const run = compileChange<ResponseView>(
    change,
    {
      first: (response, other) => response.values(other)[0],
      lines: (response, other) => response.values(other),
    },
    routePath,
  )
  return {
    response: {
      kind: 'sync',
      includesOwn: true,
      decide(response) {
        const values = run(response, name)
        if (values === undefined) return undefined
        response.dropField(name)
        for (const value of values) response.addField(name, value)
        return undefined
      },
    },
  }
}

/** Host goes upstream by a word of its own; what is no host leaves it as it is. */
function hostStages(change: FieldChange, routePath: string): Stages {
  if (change.act === 'drop' || change.act === 'drop-matching') return {}
  const hostOf = (request: RequestView) => request.upstreamHost || request.authority
  const run = compileChange<RequestView>(
    change.act === 'append' ? { ...change, act: 'set' } : change,
    {
      first: (request, other) => (other === 'host' ? hostOf(request) : firstLine(request, other)),
      lines: (request) => [hostOf(request)],
    },
    routePath,
  )
  return {
    request: {
      kind: 'sync',
      decide(request) {
        const host = run(request, 'host')?.[0]
        if (host !== undefined && hostValue.test(host)) request.upstreamHost = host
        return undefined
      },
    },
  }
}

/** A change that is known when the route is built. */
function editsOf(name: string, change: FieldChange): FieldEdits | undefined {
  if (change.act === 'drop') return { dropped: new Set([name]), appended: '' }
  if (change.act !== 'set' && change.act !== 'append') return undefined
  const value = fixedText(change.value)
  if (value === undefined) return undefined
  const appended = `${name}: ${value.trim()}\r\n`
  return { dropped: change.act === 'set' ? new Set([name]) : new Set(), appended }
}

/** How fields are read. Names in lower case. */
interface Reader<View> {
  first(view: View, name: string): string | undefined
  lines(view: View, name: string): readonly string[]
}

/** Makes what gives the lines that a field has afterwards; undefined: those that it has. */
function compileChange<View extends RequestView | ResponseView>(
  change: FieldChange,
  reader: Reader<View>,
  routePath: string,
): (view: View, name: string) => readonly string[] | undefined {
  /** Changes the first line, where there is one. */
  const onFirst = (alter: (value: string) => string | undefined) => (view: View, name: string) => {
    const [first, ...rest] = reader.lines(view, name)
    const made = first === undefined ? undefined : alter(first)
    return made === undefined ? undefined : [made, ...rest]
  }
  switch (change.act) {
    case 'set':
    case 'append': {
      const fill = compileTemplate(change.value, routePath)
      const isAppended = change.act === 'append'
      return (view, name) => {
        const made = 'request' in view ? fill(view.request, view) : fill(view)
        if (made === undefined) return undefined
        const value = made.trim()
        return isAppended ? [...reader.lines(view, name), value] : [value]
      }
    }
    case 'drop':
      return () => []
    case 'drop-matching': {
      const result = compileSearch(change.pattern)
      if (!result.ok) throw new RangeError(result.reason)
      const { search } = result
      return (view, name) =>
        reader.lines(view, name).filter((value) => !search(textOfLatin1(value)))
    }
    case 'replace': {
      const result = compileReplaceAll(change.pattern, change.replacement)
      if (!result.ok) throw new RangeError(result.reason)
      const { replace } = result
      return (view, name) => {
        const value = reader.first(view, name)
        return value === undefined ? undefined : [calm(latin1Of(replace(textOfLatin1(value))))]
      }
    }
    case 'copy': {
      const { from } = change
      return (view) => {
        const value = reader.first(view, from)
        return value === undefined || value === '' ? undefined : [value]
      }
    }
    case 'encode-base64':
      return onFirst((value) => ofPart(value, change.part, encodeBase64))
    case 'decode-base64':
      return onFirst((value) => ofPart(value, change.part, decodeBase64))
    case 'to-latin1':
      return onFirst((value) => {
        const text = textOfLatin1(value)
        return /^[\0-\xff]*$/.test(text) ? text : undefined
      })
  }
}

function ofPart(
  value: string,
  part: number | undefined,
  alter: (text: string) => string | undefined,
): string | undefined {
  if (part === undefined) return alter(value)
  const parts = value.split(' ')
  const text = parts[part]
  const made = text === undefined ? undefined : alter(text)
  if (made === undefined) return undefined
  return parts.with(part, made).join(' ')
}

function encodeBase64(bytes: string): string {
  return bounded(Buffer.from(bytes, 'latin1').toString('base64'))
}

function decodeBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  const bytes = Buffer.from(text, 'base64').toString('latin1')
  return holdsControls(bytes) ? undefined : bytes
}

function calm(text: string): string {
  return text.replace(/[\r\n\0]/g, ' ')
}
