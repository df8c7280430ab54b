// What is a connection that came in, whatever lies between the wire and its reader: nothing, or TLS?
import type { Socket } from 'node:net'

/** Who gets what a connection reads. */
export interface SocketReader {
  /** `bytes` are in memory that is read into again, unless `isReadInUse` says that something refers to them. */
  onRead(bytes: Buffer): void
  /** Some of what was read last is still needed: held, or not yet sent on. */
  isReadInUse(): boolean
  /** Nothing more is expected soon: little memory is enough. */
  readonly isAtRest: boolean
}

/** A connection whose reads go to one reader at a time. */
export interface AcceptedConnection {
  /** What is written here is encrypted on the wire. */
  readonly isSecure: boolean
  /** What the client and Weir agreed to speak (RFC 7301), such as `h2`; empty: nothing was said. */
  readonly protocol: string
  /** Is written to, paused and ended; what it reads goes to the reader alone. */
  readonly socket: Socket
  /** Names who gets what is read from now on. */
  readBy(reader: SocketReader): void
  /** Puts bytes in front of what will be read: the reader before took more than was its own. */
  unshift(bytes: Buffer): void
}
