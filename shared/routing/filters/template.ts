// How is a text made of parts of a request and its response, where it matters that one of them is missing?
// request-text.ts is for nginx's texts, in which what is missing is empty; Skipper leaves the whole thing undone, or not.
//
// Invariant: a text is as long as bounded-text.ts lets it be: what would be longer throws, and the request fails.
// Invariant: a text has no line end and no NUL, whatever a client sends: those become spaces, as in Go's net/http.
import { latin1Of } from '../../latin1-text.ts'
import { firstParameter } from '../query-parameter.ts'
import { bounded } from './bounded-text.ts'
import type { RequestView, ResponseView } from './kind.ts'
import { compilePathParameter } from './path-parameter.ts'
import { decodedTarget, queryOfTarget } from './target.ts'

/** A literal, or something of the request as the filters before have left it. */
export type TemplatePart =
  | string
  | { readonly from: 'method' | 'host' | 'path' | 'query' | 'client' | 'peer' }
  /** Names of headers are in lower case. */
  | {
      readonly from: 'parameter' | 'header' | 'cookie' | 'response-header' | 'path-parameter'
      readonly name: string
    }

/** The parts of a text, in order. */
export type TemplateText = readonly TemplatePart[]

/** Makes the text; undefined where one of its parts is missing or empty. */
export type FillTemplate = (request: RequestView, response?: ResponseView) => string | undefined

/** The text (bytes as latin1) where it does not depend on the request. */
export function fixedText(text: TemplateText): string | undefined {
  return text.every((part) => typeof part === 'string') ? latin1Of(text.join('')) : undefined
}

/** Compiles a text that is all or nothing; `routePath` is the pattern that the path of its requests fits. */
export function compileTemplate(text: TemplateText, routePath: string): FillTemplate {
  const fixed = fixedText(text)
  if (fixed !== undefined) return () => fixed
  const parts = text.map((part) => compilePart(part, routePath))
  return (request, response) => {
    let made = ''
    for (const part of parts) {
      const value = part(request, response)
      if (value === undefined || value === '') return undefined
      made = bounded(made + value)
    }
    return calm(made)
  }
}

/** Compiles a text in which what is missing is empty. */
export function compileLenient(
  text: TemplateText,
  routePath: string,
): (request: RequestView) => string {
  const fixed = fixedText(text)
  if (fixed !== undefined) return () => fixed
  const parts = text.map((part) => compilePart(part, routePath))
  return (request) => {
    let made = ''
    for (const part of parts) made = bounded(made + (part(request) ?? ''))
    return calm(made)
  }
}

/** Takes out what could end a line. */
function calm(text: string): string {
  return /[\r\n\0]/.test(text) ? text.replace(/[\r\n\0]/g, ' ') : text
}

function compilePart(part: TemplatePart, routePath: string): FillTemplate {
  if (typeof part === 'string') {
    const literal = latin1Of(part)
    return () => literal
  }
  switch (part.from) {
    case 'method':
      return (request) => request.method
    case 'host':
      return (request) => request.host
    case 'path':
      return (request) => decodedTarget(request.target)
    case 'query':
      return (request) => queryOfTarget(request.target)
    case 'client':
      return (request) => request.clientAddress
    case 'peer':
      return (request) => request.peerAddress
    case 'parameter': {
      const { name } = part
      return ({ target }) => {
        const value = firstParameter(`?${queryOfTarget(target)}`, name)
        return value === undefined ? undefined : latin1Of(value)
      }
    }
    case 'header': {
      const { name } = part
      return name === 'host'
        ? (request) => request.upstreamHost || request.authority
        : (request) => firstLine(request, name)
    }
    case 'cookie': {
      const { name } = part
      return (request) => request.cookie(name)
    }
    case 'response-header': {
      const { name } = part
      return (_request, response) => response?.values(name)[0]
    }
    case 'path-parameter':
      return compilePathParameter(routePath, part.name)
  }
}

/** The value of the first line of a field that goes upstream. Name in lower case. */
export function firstLine(request: RequestView, name: string): string | undefined {
  const joined = request.field(name)
  // Of nearly all fields there is one line.
  if (joined?.includes(', ') !== true) return joined
  return linesOf(request, name)[0]
}

/** The values of all lines of a field that goes upstream, in order. Name in lower case. */
export function linesOf({ fields }: RequestView, name: string): readonly string[] {
  const values: string[] = []
  for (const line of fields.split('\r\n')) {
    const colon = line.indexOf(':')
    if (line.slice(0, colon).toLowerCase() === name) values.push(line.slice(colon + 1).trim())
  }
  return values
}
