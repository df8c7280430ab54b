// Does a socket still refer to memory that was written to it?
//
// A plain socket does until the system has taken everything. TLS encrypts what it is handed in the same call, or copies it: only
// what waits in front of it, in JavaScript, is still the writer's. So responses over TLS are read from upstreams into the same
// memory again and again, instead of into memory that the collector must find: a quarter of the CPU of 1 MiB downloads.
import type { Socket } from 'node:net'

/** The parse border: Node counts these, but not in its types; the test beside this file holds it to that. */
interface Waiting {
  readonly encrypted?: boolean
  readonly _writableState: { readonly bufferedRequestCount: number }
}

/** Says whether memory that was written to a socket must stay as it is. */
export function holdsWritten(socket: Socket): boolean {
  if (socket.writableLength === 0) return false
  const { encrypted, _writableState } = socket as unknown as Waiting
  return encrypted !== true || socket.connecting || _writableState.bufferedRequestCount > 0
}
