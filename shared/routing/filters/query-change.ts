// Which query goes upstream, as Skipper's filters have it: a changed one is written anew as Go's net/url does, by the names of its
// parameters in order; one that nothing changes goes as it came.
import { latin1Of } from '../../latin1-text.ts'
import { faultOfName } from './header-edits.ts'
import type { Filter, FilterKind, RequestView } from './kind.ts'
import { queryOfTarget, withQuery } from './target.ts'
import { compileLenient, firstLine, type TemplateText } from './template.ts'

/** Changes the query that goes upstream, or a field by it. */
export interface QueryChangeFilter extends Filter {
  readonly kind: 'query-change'
  readonly change: QueryChange
}

export type QueryChange =
  | { readonly act: 'set'; readonly name: TemplateText; readonly value: TemplateText }
  | { readonly act: 'drop'; readonly name: TemplateText }
  /** The parameter gets the value of a field (lower case); an absent one is empty. */
  | { readonly act: 'from-header'; readonly name: string; readonly header: string }
  /** A field that the request does not have gets the parameter's value, in the place of `%s`. */
  | {
      readonly act: 'to-header'
      readonly name: string
      readonly header: string
      readonly format: string
    }
  /** The whole query goes; `keepsAsFields`: as fields `x-query-param-NAME`. */
  | { readonly act: 'strip'; readonly keepsAsFields: boolean }

export const queryChangeKind: FilterKind<QueryChangeFilter> = {
  kind: 'query-change',
  isGuard: true,
  fault({ change }) {
    if (!('header' in change)) return undefined
    return change.header === 'host' && change.act === 'from-header'
      ? undefined
      : faultOfName(change.header)
  },
  compile({ change }, { place }) {
    const run = compileChange(change, place.path)
    return {
      request: {
        kind: 'sync',
        decide(request) {
          run(request)
          return undefined
        },
      },
    }
  },
}

function compileChange(change: QueryChange, routePath: string): (request: RequestView) => void {
  switch (change.act) {
    case 'set': {
      const nameOf = compileLenient(change.name, routePath)
      const textOf = compileLenient(change.value, routePath)
      return (request) => setParameter(request, nameOf(request), textOf(request))
    }
    case 'drop': {
      const nameOf = compileLenient(change.name, routePath)
      return (request) => {
        const parameters = readQuery(queryOfTarget(request.target))
        parameters.delete(nameOf(request))
        request.target = withQuery(request.target, writeQuery(parameters))
      }
    }
    case 'from-header': {
      const { header } = change
      const name = latin1Of(change.name)
      return (request) => setParameter(request, name, firstLine(request, header) ?? '')
    }
    case 'to-header':
      return toHeader(change)
    case 'strip':
      return (request) => {
        const query = queryOfTarget(request.target)
        request.target = withQuery(request.target, '')
        if (change.keepsAsFields) keepAsFields(request, query)
      }
  }
}

function setParameter(request: RequestView, name: string, value: string): void {
  const parameters = readQuery(queryOfTarget(request.target))
  parameters.set(name, [value])
  request.target = withQuery(request.target, writeQuery(parameters))
}

function toHeader({
  name,
  header,
  format,
}: QueryChange & { readonly act: 'to-header' }): (request: RequestView) => void {
  const parameter = latin1Of(name)
  const [before = '', ...after] = latin1Of(format).split('%s')
  const behind = after.join('%s')
  return (request) => {
    const value = readQuery(queryOfTarget(request.target)).get(parameter)?.[0]
    if (value === undefined || value === '' || request.field(header) !== undefined) return
    request.setField(header, (before + value + behind).replace(/[\r\n\0]/g, ' ').trim())
  }
}

function keepAsFields(request: RequestView, query: string): void {
  for (const [name, values] of readQuery(query)) {
    const field = `x-query-param-${name.toLowerCase()}`
    if (faultOfName(field) !== undefined) continue
    request.setField(
      field,
      values
        .join(', ')
        .replace(/[\r\n\0]/g, ' ')
        .trim(),
    )
  }
}

/** The parameters of a query (latin1), each with its values in order; what cannot be decoded stays as it is. */
export function readQuery(query: string): Map<string, string[]> {
  const parameters = new Map<string, string[]>()
  for (const piece of query.split('&')) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decode(equals === -1 ? piece : piece.slice(0, equals))
    const value = equals === -1 ? '' : decode(piece.slice(equals + 1))
    const values = parameters.get(name)
    if (values === undefined) parameters.set(name, [value])
    else values.push(value)
  }
  return parameters
}

function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
}

/** Writes parameters by name in the order of their bytes. */
export function writeQuery(parameters: ReadonlyMap<string, readonly string[]>): string {
  const pieces: string[] = []
  for (const name of [...parameters.keys()].sort()) {
    for (const value of parameters.get(name) ?? []) pieces.push(`${encode(name)}=${encode(value)}`)
  }
  return pieces.join('&')
}

function encode(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9\-_.~]/g, (char) =>
    char === ' ' ? '+' : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
