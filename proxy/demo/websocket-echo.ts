// A WebSocket server that sends every frame back (RFC 6455), by hand so that the demo needs no package.
//
// Frames are echoed one by one, fragments as fragments: no message is ever gathered. A frame is gathered up to
// `maxFrameBytes`.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** The longest frame that is echoed; a longer one ends the connection with close code 1009. */
export const maxFrameBytes = 1 << 20

// RFC 6455 §1.3.
const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const continuation = 0x0
const text = 0x1
const binary = 0x2
const close = 0x8
const ping = 0x9
const pong = 0xa

const protocolError = 1002
const tooBig = 1009

/** One frame as a client sent it, unmasked; or why the connection must end. */
type Frame =
  | { readonly isFinal: boolean; readonly opcode: number; readonly payload: Buffer }
  | { readonly closeCode: number }

/** Takes over an upgraded connection of node:http ('upgrade' event) and echoes until the client closes. */
export function serveEcho(request: IncomingMessage, socket: Duplex, early: Buffer): void {
  socket.on('error', () => socket.destroy())
  const { upgrade, 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers
  if (upgrade?.toLowerCase() !== 'websocket' || key === undefined || version !== '13') {
    // RFC 6455 §4.2.2: says which version is spoken.
    socket.end(
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Content-Length: 0\r\nConnection: close\r\n\r\n',
    )
    return
  }
  const accept = createHash('sha1').update(`${key}${acceptGuid}`).digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  void echo(socket, early)
}

async function echo(socket: Duplex, early: Buffer): Promise<void> {
  if (early.length > 0) socket.unshift(early)
  let rest = Buffer.alloc(0)
  let isInMessage = false
  try {
    for await (const bytes of socket) {
      // Node's sockets give buffers unless an encoding is set.
      rest = Buffer.concat([rest, bytes as Buffer])
      for (let found = readFrame(rest, isInMessage); found; found = readFrame(rest, isInMessage)) {
        const { frame, byteLength } = found
        rest = rest.subarray(byteLength)
        if ('closeCode' in frame) {
          await send(socket, closeFrame(frame.closeCode))
          return
        }
        if (frame.opcode < close) isInMessage = !frame.isFinal
        const reply = replyTo(frame)
        if (reply !== undefined) await send(socket, reply)
        // RFC 6455 §5.5.1: the server closes the connection once both close frames are sent.
        if (frame.opcode === close) return
      }
    }
  } catch {
    // The connection broke: there is nobody to echo to.
  } finally {
    socket.end()
  }
}

/** Resolves when the bytes left: a client that does not read is not read from. */
function send(socket: Duplex, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()))
}

/** Reads the first frame in `bytes`; undefined while it is not complete. RFC 6455 §5.2. */
function readFrame(
  bytes: Buffer,
  isInMessage: boolean,
): { readonly frame: Frame; readonly byteLength: number } | undefined {
  if (bytes.length < 2) return undefined
  const first = bytes.readUInt8(0)
  const second = bytes.readUInt8(1)
  const opcode = first & 0x0f
  const isFinal = (first & 0x80) !== 0
  const hasExtensionBits = (first & 0x70) !== 0
  const isMasked = (second & 0x80) !== 0
  const shortLength = second & 0x7f
  if (hasExtensionBits || !isMasked || !isAllowed(opcode, isFinal, shortLength, isInMessage)) {
    return { frame: { closeCode: protocolError }, byteLength: bytes.length }
  }
  const lengthBytes = shortLength === 126 ? 2 : shortLength === 127 ? 8 : 0
  const maskAt = 2 + lengthBytes
  if (bytes.length < maskAt + 4) return undefined
  const length = readLength(bytes, shortLength)
  if (length > maxFrameBytes) return { frame: { closeCode: tooBig }, byteLength: bytes.length }
  const byteLength = maskAt + 4 + length
  if (bytes.length < byteLength) return undefined
  const mask = bytes.subarray(maskAt, maskAt + 4)
  const payload = Buffer.from(bytes.subarray(maskAt + 4, byteLength))
  for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0)
  return { frame: { isFinal, opcode, payload }, byteLength }
}

function readLength(bytes: Buffer, shortLength: number): number {
  if (shortLength === 126) return bytes.readUInt16BE(2)
  return shortLength === 127 ? Number(bytes.readBigUInt64BE(2)) : shortLength
}

/** RFC 6455 §5.4, §5.5: control frames are short and whole; a message continues before the next one begins. */
function isAllowed(opcode: number, isFinal: boolean, length: number, isInMessage: boolean) {
  switch (opcode) {
    case continuation:
      return isInMessage
    case text:
    case binary:
      return !isInMessage
    case close:
    case ping:
    case pong:
      return isFinal && length <= 125
    default:
      return false
  }
}

function replyTo(frame: Extract<Frame, { opcode: number }>): Buffer | undefined {
  if (frame.opcode === pong) return undefined
  return encodeFrame(frame.isFinal, frame.opcode === ping ? pong : frame.opcode, frame.payload)
}

function closeFrame(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return encodeFrame(true, close, payload)
}

/** A server's frame: not masked (RFC 6455 §5.1). */
function encodeFrame(isFinal: boolean, opcode: number, payload: Buffer): Buffer {
  const lengthBytes = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + lengthBytes)
  head.writeUInt8((isFinal ? 0x80 : 0) | opcode, 0)
  if (lengthBytes === 0) head.writeUInt8(payload.length, 1)
  else if (lengthBytes === 2) {
    head.writeUInt8(126, 1)
    head.writeUInt16BE(payload.length, 2)
  } else {
    head.writeUInt8(127, 1)
    head.writeBigUInt64BE(BigInt(payload.length), 2)
  }
  return Buffer.concat([head, payload])
}
