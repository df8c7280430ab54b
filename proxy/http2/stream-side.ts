// How does a stream of HTTP/2 take part in a tunnel? (RFC 8441 §4: END_STREAM for an orderly end, CANCEL for a reset.)

import type { ServerHttp2Stream } from 'node:http2'
import type { TunnelSide } from '../http/tunnel.ts'
import { errorCode } from './node-http2.ts'
import { resetStream, stopRequest } from './reset-stream.ts'

/** The stream as one side of a tunnel. */
export function streamSide(stream: ServerHttp2Stream): TunnelSide {
  const isOpen = () => !stream.destroyed && !stream.closed
  // What is not read keeps a stream from closing.
  const cancel = () => {
    resetStream(stream, errorCode.cancel)
    stream.resume()
  }
  return {
    write: (bytes) => !isOpen() || stream.write(bytes),
    get writableLength() {
      return isOpen() ? stream.writableLength : 0
    },
    get holdsBytes() {
      return isOpen() && stream.writableLength > 0
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    end: () => {
      if (isOpen()) stream.end()
    },
    destroySoon: () => {
      if (!isOpen()) return
      stream.end()
      // Nobody is left to hear the client. (A stream that both have ended closes by itself.)
      if (!stream.readableEnded) stopRequest(stream)
      stream.resume()
    },
    reset: cancel,
    destroy: cancel,
  }
}
