// What hands a body over, and to whom? A leaf, so that readers of bodies and their users need not know each other.
/** Receives the data of a body, whatever its framing. */
export interface BodySink {
  /** Called once per piece of data; `bytes` is a view into the buffer that was read. */
  onBodyData(bytes: Buffer): void
}
