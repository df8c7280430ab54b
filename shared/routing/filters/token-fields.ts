// What do upstreams, or clients, learn of the token that a filter before has found good?
//
// Invariant: a field that goes upstream by the word of a token never comes from the client: it is dropped where there is none.
import { latin1Of } from '../../latin1-text.ts'
import { faultOfName } from './header-edits.ts'
import type { Filter, FilterKind, RequestView, Stages } from './kind.ts'
import { type TokenFacts, tokenFactsOf } from './token-facts.ts'

/** Says something of the token in a field. */
export interface TokenFieldsFilter extends Filter {
  readonly kind: 'token-fields'
  readonly on: 'request' | 'response'
  /** In lower case. */
  readonly name: string
  /** Behind the lines that there are. */
  readonly appends?: true
  readonly what:
    | { readonly from: 'user' }
    /** What its issuer said of it, as JSON; `only` these, if there are any. */
    | { readonly from: 'info'; readonly only: readonly string[] }
    /** What stands at a place of its content, such as `claims.sub`. */
    | { readonly from: 'field'; readonly path: string }
}

export const tokenFieldsKind: FilterKind<TokenFieldsFilter> = {
  kind: 'token-fields',
  isGuard: true,
  fault: ({ name }) => faultOfName(name),
  vouchesFor: ({ on, name, appends }) => (on === 'request' && appends !== true ? [name] : []),
  compile: ({ on, name, appends, what }): Stages => {
    if (on === 'response') {
      return {
        response: {
          kind: 'sync',
          includesOwn: true,
          decide(response) {
            const value = textFor(response.request, what)
            if (value === undefined) return undefined
            if (appends === true) response.addField(name, value)
            else response.setField(name, value)
            return undefined
          },
        },
      }
    }
    return {
      request: {
        kind: 'sync',
        decide(request) {
          const before = appends === true ? request.field(name) : undefined
          const value = textFor(request, what)
          if (value === undefined) {
            if (appends !== true) request.dropField(name)
          } else request.setField(name, before === undefined ? value : `${before}, ${value}`)
          return undefined
        },
      },
    }
  },
}

function textFor(request: RequestView, what: TokenFieldsFilter['what']): string | undefined {
  const facts = tokenFactsOf(request)
  if (facts === undefined) return undefined
  const text = textOf(facts, what)
  return text === undefined
    ? undefined
    : latin1Of(text)
        .replace(/[\r\n\0]/g, ' ')
        .trim()
}

function textOf(
  { user, content, isInfo }: TokenFacts,
  what: TokenFieldsFilter['what'],
): string | undefined {
  switch (what.from) {
    case 'user':
      return user === '' ? undefined : user
    case 'info':
      return isInfo ? JSON.stringify(pickSorted(content, what.only)) : undefined
    case 'field': {
      const value = at(content, what.path)
      if (value === undefined || value === null) return undefined
      return typeof value === 'object' ? JSON.stringify(value) : String(value)
    }
  }
}

/** In the order of names, as Go writes maps. */
function pickSorted(content: Readonly<Record<string, unknown>>, only: readonly string[]) {
  const names = Object.keys(content).filter((name) => only.length === 0 || only.includes(name))
  return Object.fromEntries(names.toSorted().map((name) => [name, content[name]]))
}

function at(content: unknown, path: string): unknown {
  let value = content
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}
