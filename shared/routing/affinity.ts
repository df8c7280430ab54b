// Which endpoint served this client before? A cookie names it by a short hash of its address and port.
//
// Invariant: every proxy gives an endpoint of an upstream the same name, so that a client may come in through any node.
// Invariant: names are made when an endpoint is first seen, never on the request path; a hostile Cookie header costs one
// scan of its text.
import { createHash } from 'node:crypto'
import { findCookie } from '../cookies.ts'
import type { Affinity } from './backend.ts'
import type { Endpoint } from './table.ts'

const nameLength = 16

/** Cookie affinity: `pick` finds the endpoint a cookie names, `setCookie` makes the field value for one. */
export interface CompiledAffinity {
  pick(cookieHeader: string, endpoints: readonly Endpoint[]): Endpoint | undefined
  setCookie(endpoint: Endpoint): string
  readonly changeOnFailure: boolean
}

/** Compiles cookie affinity; `upstream` salts the names, so that they cannot be looked up in a table of addresses. */
export function compileAffinity(affinity: Affinity, upstream: string): CompiledAffinity {
  const needle = `${affinity.cookie}=`
  const attributes = attributesOf(affinity)
  const names = new WeakMap<Endpoint, string>()
  // Endpoint lists are immutable and replaced as a whole: a list is its own cache key and goes with its last reader.
  const lists = new WeakMap<readonly Endpoint[], readonly string[]>()

  const nameOf = (endpoint: Endpoint): string => {
    let name = names.get(endpoint)
    if (name === undefined) {
      name = hashEndpoint(endpoint, upstream)
      names.set(endpoint, name)
    }
    return name
  }

  return {
    changeOnFailure: affinity.changeOnFailure,
    setCookie: (endpoint) => `${needle}${nameOf(endpoint)}${attributes}`,
    pick: (cookieHeader, endpoints) => {
      const name = findCookie(cookieHeader, affinity.cookie)
      if (name?.length !== nameLength) return undefined
      let list = lists.get(endpoints)
      if (list === undefined) {
        list = endpoints.map(nameOf)
        lists.set(endpoints, list)
      }
      const index = list.indexOf(name)
      return index === -1 ? undefined : endpoints[index]
    },
  }
}

/** Names an endpoint: 64 bits of a salted hash, in hexadecimal. */
function hashEndpoint({ address, port }: Endpoint, upstream: string): string {
  const text = `${upstream}\n${address}\n${port}`
  return createHash('sha256').update(text).digest('hex').slice(0, nameLength)
}

function attributesOf(affinity: Affinity): string {
  let text = `; Path=${affinity.path}`
  if (affinity.maxAgeSeconds > 0) text += `; Max-Age=${affinity.maxAgeSeconds}`
  text += '; HttpOnly'
  // Browsers refuse SameSite=None without Secure (RFC 6265bis §5.7).
  if (affinity.secure || affinity.sameSite === 'None') text += '; Secure'
  return affinity.sameSite === undefined ? text : `${text}; SameSite=${affinity.sameSite}`
}
