// By what are requests told apart: for limits, for hashing to an endpoint, for caches?
import type { RequestView } from './filters/kind.ts'
import { firstParameter } from './query-parameter.ts'
import { unseenFields } from './unseen-fields.ts'

/** Which property of a request is its key. */
export type RequestKey =
  | { readonly from: 'address' | 'path' | 'uri' | 'host' }
  | { readonly from: 'header' | 'cookie' | 'query'; readonly name: string }

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Says what is wrong with a key, as the end of a sentence. */
export function faultOfRequestKey(key: RequestKey): string | undefined {
  if (!('name' in key)) return undefined
  if (key.from === 'query') return key.name === '' ? 'a query parameter needs a name' : undefined
  if (!token.test(key.name)) return `'${key.name}' is no name of a ${key.from}`
  if (key.from === 'cookie') return undefined
  if (key.name !== key.name.toLowerCase()) return `the header '${key.name}' must be in lower case`
  if (key.name === 'host') return "the host is named by 'host', not as a header"
  return unseenFields.has(key.name)
    ? `the header '${key.name}' belongs to the connection and not to the request`
    : undefined
}

/** Makes the function that finds the key of a request; a property that is absent gives an empty text. */
export function compileRequestKey(key: RequestKey): (request: RequestView) => string {
  switch (key.from) {
    case 'address':
      return (request) => request.clientAddress
    case 'path':
      return (request) => request.path
    case 'uri':
      return (request) => request.path + request.query
    case 'host':
      return (request) => request.host
    case 'header':
      return (request) => request.field(key.name) ?? ''
    case 'cookie':
      return (request) => request.cookie(key.name) ?? ''
    case 'query':
      return (request) => firstParameter(request.query, key.name) ?? ''
  }
}
