// How does a stream of HTTP/2 take part in a tunnel? (RFC 8441 §4: END_STREAM for an orderly end, CANCEL for a reset.)

import type { Http2Stream, ServerHttp2Stream } from 'node:http2'
import type { TunnelSide } from '../http/tunnel.ts'
import { errorCode } from './node-http2.ts'
import { resetStream, stopRequest } from './reset-stream.ts'

/** What differs between a stream of a client and one to an endpoint. */
export interface OwnWays {
  pause(): void
  resume(): void
  /** Our side has ended, and nobody is left to hear the other one. */
  leave(): void
}

/** A stream as one side of a tunnel. */
export function sideOf(stream: Http2Stream, { pause, resume, leave }: OwnWays): TunnelSide {
  const isOpen = () => !stream.destroyed && !stream.closed
  const cancel = () => cancelStream(stream)
  return {
    write: (bytes) => !isOpen() || stream.write(bytes),
    get writableLength() {
      return isOpen() ? stream.writableLength : 0
    },
    get holdsBytes() {
      return isOpen() && stream.writableLength > 0
    },
    pause,
    resume,
    end: () => {
      if (isOpen()) stream.end()
    },
    destroySoon: () => {
      if (!isOpen()) return
      stream.end()
      leave()
    },
    reset: cancel,
    destroy: cancel,
  }
}

/** Resets a stream at once. */
export function cancelStream(stream: Http2Stream): void {
  resetStream(stream, errorCode.cancel)
  // What is not read keeps a stream from closing.
  stream.resume()
}

/** The stream of a client as one side of a tunnel. */
export function streamSide(stream: ServerHttp2Stream): TunnelSide {
  return sideOf(stream, {
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    leave: () => {
      // A stream that both have ended closes by itself.
      if (!stream.readableEnded) stopRequest(stream)
      stream.resume()
    },
  })
}
