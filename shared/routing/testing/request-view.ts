// A request as filters and conditions see it, for tests of shared/: plain values, nothing goes anywhere.
import type { RequestView } from '../filters/kind.ts'

/** What a test says of its request. */
export interface TestRequest {
  readonly method?: string
  readonly path?: string
  readonly query?: string
  /** Field lines in their order; values are bytes (latin1). */
  readonly fields?: readonly (readonly [name: string, value: string])[]
  readonly cookies?: readonly (readonly [name: string, value: string])[]
  readonly clientAddress?: string
  readonly peerAddress?: string
  readonly draw?: number
  readonly host?: string
  /** Undefined where it is not known. */
  readonly bodyLength?: number | undefined
}

/** Makes the view of a request; what it does not say is a GET of `/` by 192.0.2.1. */
export function requestView(request: TestRequest = {}): RequestView {
  const { method = 'GET', path = '/', query = '', fields = [], cookies = [] } = request
  const { clientAddress = '192.0.2.1', peerAddress = '192.0.2.1', draw = 0 } = request
  const values = (name: string) =>
    fields.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value)
  return {
    method,
    scheme: 'http',
    tls: undefined,
    host: request.host ?? 'a.test',
    authority: 'a.test',
    believedHost: '',
    path,
    query,
    clientAddress,
    peerAddress,
    requestId: 'id',
    bodyLength: 'bodyLength' in request ? request.bodyLength : 0,
    draw,
    fields: '',
    field: (name) => (values(name).length === 0 ? undefined : values(name).join(', ')),
    values,
    cookie: (name) => cookies.find(([own]) => own === name)?.[1],
    target: path + query,
    upstreamHost: '',
    setField: () => {},
    dropField: () => {},
    setResponseField: () => {},
    editRequest: () => {},
    editResponse: () => {},
    whenFinished: () => {},
  }
}
