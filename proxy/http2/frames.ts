// The few numbers of HTTP/2 that Weir names itself. Node has them in `node:http2`, which only those load that speak it.

/** RFC 9113 §7. */
export const errorCodes = {
  noError: 0,
  protocolError: 1,
  refusedStream: 7,
  cancel: 8,
  enhanceYourCalm: 11,
} as const

const endStream = 0x1

/** Says whether a frame with these flags is the last of its stream (RFC 9113 §6.1, §6.2). */
export function isEndOfStream(flags: number): boolean {
  return (flags & endStream) !== 0
}
