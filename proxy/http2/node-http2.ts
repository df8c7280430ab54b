// Node's HTTP/2: loaded when a connection first speaks it, since it is several MB resident in each worker; and its numbers.
import type * as Http2 from 'node:http2'

/** Node's module; the first call loads it. */
export function nodeHttp2(): typeof Http2 {
  return process.getBuiltinModule('node:http2')
}

/** Error codes (RFC 9113 §7). */
export const errorCode = {
  noError: 0x0,
  protocolError: 0x1,
  internalError: 0x2,
  settingsTimeout: 0x4,
  refusedStream: 0x7,
  cancel: 0x8,
  enhanceYourCalm: 0xb,
} as const

/** The flag of a frame that ends its side of a stream (RFC 9113 §6.1, §6.2). */
export const endStreamFlag = 0x1
