// How is a text made whose parts come from the request: values of header fields, Locations, keys?
//
// Invariant: what is absent gives an empty text; a text that is all literal is known when the route is built.
import { readCredentials } from './credentials.ts'
import type { RequestView } from './filters/kind.ts'
import { compileTemplate, type TemplateText } from './filters/template.ts'
import { compileRequestKey, faultOfRequestKey, type RequestKey } from './request-key.ts'

/** A literal, a property of the request, or a group of the pattern that its path matched. */
export type TextPart =
  | string
  | RequestKey
  | { readonly from: 'scheme' | 'method' | 'request-id' | 'authority' | 'query-string' }
  /** The usual port of the scheme; `?` where the request has a query. */
  | { readonly from: 'port' | 'question-mark' }
  /** Path and query with all escaped that is not unreserved (RFC 3986 §2.3); the name of an Authorization of passwords. */
  | { readonly from: 'escaped-uri' | 'user' }
  | { readonly from: 'group'; readonly group: number }

/** The parts of a text, in order. */
export type RequestText = readonly TextPart[]

/** Makes the text for a request; `groups` are those of a pattern. */
export type MakeText = (request: RequestView, groups?: readonly string[]) => string

/** What requests are hashed by: one property, or a text of several. */
export type HashKey =
  | RequestKey
  | { readonly from: 'text'; readonly parts: RequestText }
  /** Where a part is missing it is the address of the client. */
  | { readonly from: 'template'; readonly text: TemplateText }

/** Makes the function that finds what a request is hashed by; empty where all of it is absent. */
export function compileHashKey(key: HashKey): (request: RequestView) => string {
  if (key.from === 'text') return compileText(key.parts)
  if (key.from !== 'template') return compileRequestKey(key)
  const fill = compileTemplate(key.text, '')
  return (request) => fill(request) ?? request.clientAddress
}

/** Compiles a text. */
export function compileText(text: RequestText): MakeText {
  const literal = literalOf(text)
  if (literal !== undefined) return () => literal
  const parts = text.map(compilePart)
  return (request, groups) => {
    let made = ''
    for (const part of parts) made += part(request, groups)
    return made
  }
}

/** The text where it does not depend on the request. */
export function literalOf(text: RequestText): string | undefined {
  return text.every((part) => typeof part === 'string') ? text.join('') : undefined
}

/** Says what is wrong with a text, as the end of a sentence. */
export function faultOfText(text: RequestText): string | undefined {
  for (const part of text) {
    const fault =
      typeof part === 'string' || !('name' in part) ? undefined : faultOfRequestKey(part)
    if (fault !== undefined) return fault
  }
  return undefined
}

function compilePart(part: TextPart): MakeText {
  if (typeof part === 'string') return () => part
  switch (part.from) {
    case 'scheme':
      return (request) => request.scheme
    case 'port':
      return (request) => (request.scheme === 'https' ? '443' : '80')
    case 'question-mark':
      return (request) => (request.query.length > 1 ? '?' : '')
    case 'method':
      return (request) => request.method
    case 'request-id':
      return (request) => request.requestId
    case 'authority':
      return (request) => request.authority
    case 'query-string':
      return (request) => request.query.slice(1)
    case 'escaped-uri':
      return (request) => escapeAll(request.path + request.query)
    case 'user':
      return (request) => readCredentials(request.field('authorization'))?.name ?? ''
    case 'group':
      return (_request, groups) => groups?.[part.group] ?? ''
    case 'address':
    case 'path':
    case 'uri':
    case 'host':
    case 'header':
    case 'cookie':
    case 'query':
      return compileRequestKey(part)
  }
}

/** Escapes each byte (latin1) that is not unreserved, as nginx's set_escape_uri does. */
function escapeAll(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~]/g, escapeByte)
}

/** Escapes each byte (latin1) that is not visible ASCII: what is left can stand in a target or a Location. */
export function escapeUnseen(text: string): string {
  return text.replace(/[^!-~]/g, escapeByte)
}

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
