// How is a stream ended by a reset, without harm to what was sent on it?
import type { Http2Stream, ServerHttp2Stream } from 'node:http2'
import { errorCode } from './node-http2.ts'

/**
 * Resets a stream with `code` behind what the session has of it. Node's `close` ends the writable side first, and where nothing waits
 * there, that sends END_STREAM: a message that was cut would look whole. So the side's last step is taken away before.
 */
export function resetStream(stream: Http2Stream, code: number): void {
  if (stream.destroyed || stream.closed) return
  stream._final = (done) => done()
  stream.close(code)
}

/**
 * Asks the client to send no more of its request, behind a response that is whole (RFC 9113 §8.1). Not before END_STREAM is with the
 * session: a reset that overtakes it takes its place, and has ended the process (Node 26.10: std::bad_alloc). `waitsForTrailers`: the
 * end goes with them, and only behind `wantTrailers`.
 */
export function stopRequest(stream: ServerHttp2Stream, waitsForTrailers = false): void {
  const close = () =>
    setImmediate(() => {
      if (!stream.destroyed && !stream.closed) stream.close(errorCode.noError)
    })
  const isOut = waitsForTrailers ? stream.sentTrailers !== undefined : stream.writableFinished
  if (isOut) close()
  else stream.once(waitsForTrailers ? 'wantTrailers' : 'finish', close)
}
