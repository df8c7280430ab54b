// Which fields of a request or response change, where the value or whether it happens at all depends on the request?
// Beside header-edits.ts, which is for edits that are known before: these may hold parts of the request, may count for some
// statuses only, and act on what Weir answers itself, as nginx's add_header and more_set_headers do.
//
// Invariant: as in header-edits.ts, no rule can end a line or touch the fields that frame the message.
import { compileText, faultOfText, literalOf, type RequestText } from '../request-text.ts'
import { compileEdits, faultOfName, faultOfValue, type HeaderEdits } from './header-edits.ts'
import type { Filter, FilterKind, RequestView, ResponseView, Stages } from './kind.ts'

/** One change of one field. Rules act in their order. */
export interface HeaderRule {
  /** A text that comes out empty: `set` removes the field, `add` adds nothing. */
  readonly act: 'set' | 'add' | 'remove'
  /** In lower case. */
  readonly name: string
  readonly value: RequestText
  /** Of a response: only with one of these statuses. Absent: all. */
  readonly statuses?: readonly number[]
  /** Of a response: not of Weir's own. */
  readonly isUpstreamOnly?: true
}

/** Rules for fields that go upstream and for those that go to the client. */
export interface HeaderRulesFilter extends Filter {
  readonly kind: 'header-rules'
  readonly request: readonly HeaderRule[]
  readonly response: readonly HeaderRule[]
  /** The Host that goes upstream; absent: the client's. */
  readonly host?: RequestText
}

export const headerRulesKind: FilterKind<HeaderRulesFilter> = {
  kind: 'header-rules',
  isGuard: true,
  defaults: { request: [], response: [] },
  fault({ request, response, host }) {
    const ofRules = [...request, ...response].map(faultOfRule).find((fault) => fault !== undefined)
    return ofRules ?? (host && faultOfText(host))
  },
  compile: (filter) => ({ ...requestStages(filter), ...responseStages(filter.response) }),
}

function faultOfRule({ act, name, value }: HeaderRule): string | undefined {
  const fault = faultOfName(name) ?? faultOfText(value)
  if (fault !== undefined || act === 'remove') return fault
  return value
    .filter((part) => typeof part === 'string')
    .map((part) => faultOfValue(part.trim()))
    .find((found) => found !== undefined)
}

function requestStages({ request, host }: HeaderRulesFilter): Stages {
  if (host === undefined && request.every(isFixed)) {
    const requestEdits = compileEdits(editsOf(request))
    return requestEdits === undefined ? {} : { requestEdits }
  }
  const rules = request.map(compileRule)
  const hostText = host && compileText(host)
  return {
    request: {
      kind: 'sync',
      decide(view) {
        if (hostText !== undefined) view.upstreamHost = hostText(view)
        for (const { act, name, text } of rules) changeRequest(view, act, name, text(view))
        return undefined
      },
    },
  }
}

function changeRequest(
  view: RequestView,
  act: HeaderRule['act'],
  name: string,
  value: string,
): void {
  if (act === 'remove' || value === '') {
    if (act !== 'add') view.dropField(name)
    return
  }
  const before = act === 'add' ? view.field(name) : undefined
  view.setField(name, before === undefined ? value : `${before}, ${value}`)
}

function responseStages(response: readonly HeaderRule[]): Stages {
  if (response.length === 0) return {}
  if (response.every(isFixed)) {
    const responseEdits = compileEdits(editsOf(response))
    const ownEdits = compileEdits(editsOf(response.filter((rule) => !rule.isUpstreamOnly)))
    return {
      ...(responseEdits === undefined ? {} : { responseEdits }),
      ...(ownEdits === undefined ? {} : { ownEdits }),
    }
  }
  const rules = response.map(compileRule)
  return {
    response: {
      kind: 'sync',
      includesOwn: true,
      decide(view) {
        for (const { act, name, text, statuses, isUpstreamOnly } of rules) {
          if (isUpstreamOnly === true && view.isOwn) continue
          if (statuses !== undefined && !statuses.has(view.status)) continue
          changeResponse(view, act, name, text(view.request))
        }
        return undefined
      },
    },
  }
}

function changeResponse(
  view: ResponseView,
  act: HeaderRule['act'],
  name: string,
  value: string,
): void {
  if (act === 'add') {
    if (value !== '') view.addField(name, value)
  } else if (act === 'remove' || value === '') view.dropField(name)
  else view.setField(name, value)
}

function compileRule({ act, name, value, statuses, isUpstreamOnly }: HeaderRule) {
  const text = compileText(value)
  return { act, name, text, statuses: statuses && new Set(statuses), isUpstreamOnly }
}

function isFixed({ value, statuses }: HeaderRule): boolean {
  return statuses === undefined && literalOf(value) !== undefined
}

/** Folds rules whose values are known into edits: each acts on what the ones before it left. */
function editsOf(rules: readonly HeaderRule[]): HeaderEdits {
  let add: (readonly [string, string])[] = []
  const remove = new Set<string>()
  for (const { act, name, value } of rules) {
    const text = literalOf(value) ?? ''
    if (act !== 'add') {
      remove.add(name)
      add = add.filter(([before]) => before !== name)
    }
    if (act !== 'remove' && text !== '') add.push([name, text])
  }
  return { set: [], add, remove: [...remove] }
}
