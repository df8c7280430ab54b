// How is a small text got: from a URL of the operator, or at an endpoint that the table has for the URL of an Ingress?
//
// Invariant: what an Ingress names is asked at addresses that were found to be allowed, never looked up anew: neither DNS nor
// a redirect, which is not followed, leads elsewhere.
import { isIP } from 'node:net'
import { linkOnly } from '../../../shared/reserved-addresses.ts'
import type { KeySource } from '../../../shared/routing/filters/kind.ts'
import type { Endpoint } from '../../../shared/routing/table.ts'

const timeoutMs = 5000
const maxBytes = 1 << 20

/** The server answered, and not with the text. */
export class StatusError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`the answer is ${status}`)
    this.status = status
  }
}

/** Gets the text of an http(s) URL (UTF-8, at most 1 MiB, within 5 s); rejects with the reason when there is none. */
export async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' })
  if (!response.ok) {
    await response.body?.cancel()
    throw new StatusError(response.status)
  }
  return readText(response.body ?? [])
}

/** As fetchText, at an endpoint: with TLS where it has a name to prove. Never from an address of a link. */
export async function fetchTextAt(endpoint: Endpoint, source: KeySource): Promise<string> {
  const { address, port, serverName } = endpoint
  if (linkOnly.has(address)) throw new Error(`${address} is an address of a link`)
  const options = {
    host: address,
    port,
    path: source.path,
    headers: { Host: source.authority, Accept: 'application/json', 'User-Agent': 'weir' },
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
  }
  // Loaded by the first that is asked: admin-server.ts tells what an import costs.
  const outgoing =
    serverName === undefined
      ? process.getBuiltinModule('node:http').request(options)
      : process.getBuiltinModule('node:https').request({ ...options, ...named(serverName) })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  outgoing.on('error', reject)
  outgoing.on('response', (response) => {
    const { statusCode = 0 } = response
    const reading =
      statusCode === 200 ? readText(response) : Promise.reject(new StatusError(statusCode))
    reading.then(resolve, reject).finally(() => outgoing.destroy())
  })
  outgoing.end()
  return promise
}

/** RFC 6066 §3: an address is no server name; the certificate must be for it all the same. */
function named(serverName: string): { readonly servername: string } {
  return { servername: isIP(serverName) === 0 ? serverName : '' }
}

async function readText(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of pieces) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > maxBytes) throw new Error('the text is too long')
  }
  return text
}
