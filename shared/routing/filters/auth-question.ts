// What is the server told that is asked about a request? What ingress-nginx tells it: the client's fields, and what is wanted.
//
// Invariant: nothing of the request's body, and none of its conditions and ranges (RFC 9110 §13, §14): they would make the
// answer a 304, 412 or 416 that says nothing about the client.
// Invariant: what the server is told about the request is Weir's word: fields of that name from the client are left out.
import { compileText, type MakeText, type RequestText } from '../request-text.ts'
import { faultOfName, faultOfValue } from './header-edits.ts'
import type { AssetData, CompileContext, FieldLines, RequestView } from './kind.ts'

/** What a question says besides what all of them do. */
export interface QuestionRules {
  /** Absent: GET, and the server does not learn of X-Original-URI and X-Scheme. */
  readonly method?: string
  /** What the server is told in X-Auth-Request-Redirect; absent: path and query of the request. */
  readonly requestRedirect?: string
  /** Fields that the server alone gets, in the place of the client's. Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: RequestText])[]
  /** `namespace/name` of a ConfigMap with more of them. */
  readonly configMap?: string
}

type Field = readonly [name: string, text: MakeText]

const replaced =
  /^(?:content-length|expect|range|if-(?:match|none-match|modified-since|unmodified-since|range)|x-forwarded-(?:proto|for|method|uri)|x-original-(?:url|uri|method)|x-real-ip|x-request-id|x-scheme|x-sent-from|x-auth-request-redirect):.*\r\n/gim

/** Makes what gives the fields of a question; undefined: the ConfigMap is missing, or has what is no field. */
export function compileQuestion(
  rules: QuestionRules,
  context: CompileContext,
): (request: RequestView) => FieldLines | undefined {
  const { configMap, method, requestRedirect } = rules
  const own: readonly Field[] = rules.fields.map(([name, value]) => [name, compileText(value)])
  const ownQuestion = withFields(own)
  const more =
    configMap === undefined
      ? undefined
      : context.asset({ kind: 'config-map', name: configMap }, (data) =>
          withFields([...own, ...fieldsOf(data)]),
        )
  return (request) => {
    const add = more === undefined ? ownQuestion : more.value
    return add?.(request, settledLines(request, method, requestRedirect))
  }
}

/** What is left out is known before: `fields` take the place of all others of their names. */
function withFields(
  fields: readonly Field[],
): (request: RequestView, settled: FieldLines) => FieldLines {
  const names = fields.map(([name]) => name.replaceAll('.', '\\.')).join('|')
  const others = names === '' ? undefined : new RegExp(`^(?:${names}):.*\\r\\n`, 'gim')
  return (request, settled) => {
    const lines = request.fields.replace(replaced, '') + settled
    if (others === undefined) return lines
    let own = ''
    for (const [name, text] of fields) {
      const value = text(request)
      if (value !== '') own += `${name}: ${value}\r\n`
    }
    return lines.replace(others, '') + own
  }
}

function settledLines(
  request: RequestView,
  method: string | undefined,
  requestRedirect: string | undefined,
): FieldLines {
  const uri = request.path + request.query
  const url = `${request.scheme}://${request.authority || request.host}${uri}`
  const asked =
    method === undefined ? '' : `X-Original-URI: ${uri}\r\nX-Scheme: ${request.scheme}\r\n`
  return `X-Original-URL: ${url}\r\nX-Original-Method: ${request.method}\r\nX-Sent-From: nginx-ingress-controller\r\nX-Real-IP: ${request.clientAddress}\r\nX-Forwarded-For: ${request.clientAddress}\r\nX-Request-ID: ${request.requestId}\r\nX-Auth-Request-Redirect: ${requestRedirect ?? uri}\r\n${asked}`
}

/** The fields of a ConfigMap. Throws when one of them is none, or has a variable. */
/** Reads the fields of a ConfigMap; throws where one is none. */
export function fieldsOf(data: AssetData): readonly Field[] {
  return Object.entries(data).map(([given, value]) => {
    const name = given.toLowerCase()
    const fault = /^[a-z0-9_-]+$/.test(name)
      ? (faultOfName(name) ?? faultOfValue(value))
      : 'is no name'
    if (fault !== undefined) throw new Error(`${given}: ${fault}`)
    return [name, () => value]
  })
}
