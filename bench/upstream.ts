// The upstream behind every proxy of the bench: a raw `net` server, as cheap as JavaScript can be.
// GET: 130 bytes; /bytes/N: N bytes; POST: answers when the whole body came; Upgrade: an idle tunnel.
// Usage: node bench/upstream.ts PORT [PORT ...]; prints `ready`.
import net from 'node:net'

const small = 'x'.repeat(130)
const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${small.length}\r\n\r\n${small}`
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'
const lastChunk = '0\r\n\r\n'
const block = Buffer.alloc(65_536, 'b')

function sendBytes(socket: net.Socket, total: number): void {
  let left = total
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${total}\r\n\r\n`)
  const pump = () => {
    while (left > 0 && socket.writable) {
      const piece = left >= block.length ? block : block.subarray(0, left)
      left -= piece.length
      if (!socket.write(piece)) {
        socket.once('drain', pump)
        return
      }
    }
  }
  pump()
}

/** One connection: where it stands between a head, a body and a tunnel. */
class Connection {
  readonly #socket: net.Socket
  #head = ''
  #bodyLeft = 0
  /** The last bytes of a chunked body; undefined outside of one. */
  #chunkedTail: string | undefined
  #isTunnel = false

  constructor(socket: net.Socket) {
    this.#socket = socket
  }

  take(chunk: Buffer): void {
    if (this.#isTunnel) return
    if (this.#bodyLeft > 0) {
      this.#bodyLeft -= chunk.length
      if (this.#bodyLeft <= 0) this.#socket.write(answer)
    } else if (this.#chunkedTail !== undefined) {
      this.#takeChunked(chunk.toString('latin1', Math.max(0, chunk.length - lastChunk.length)))
    } else {
      this.#head += chunk.toString('latin1')
      this.#takeHeads()
    }
  }

  // The bench's bodies hold no digit, so the last chunk cannot be mistaken.
  #takeChunked(text: string): void {
    this.#chunkedTail = ((this.#chunkedTail ?? '') + text).slice(-lastChunk.length)
    if (this.#chunkedTail !== lastChunk) return
    this.#chunkedTail = undefined
    this.#socket.write(answer)
  }

  #takeHeads(): void {
    for (
      let end = this.#head.indexOf('\r\n\r\n');
      end !== -1;
      end = this.#head.indexOf('\r\n\r\n')
    ) {
      const head = this.#head.slice(0, end)
      this.#head = this.#head.slice(end + 4)
      this.#answer(head)
    }
  }

  #answer(head: string): void {
    if (head.startsWith('POST')) {
      const body = this.#head
      this.#head = ''
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)
      if (length === null) {
        this.#takeChunked(body)
        return
      }
      this.#bodyLeft = Number(length[1]) - body.length
      if (this.#bodyLeft <= 0) this.#socket.write(answer)
      return
    }
    const wanted = /^GET \/bytes\/(\d+)/.exec(head)
    if (wanted !== null) sendBytes(this.#socket, Number(wanted[1]))
    else if (/\r\nupgrade: *websocket/i.test(head)) {
      this.#isTunnel = true
      this.#socket.write(switching)
    } else this.#socket.write(answer)
  }
}

function serve(socket: net.Socket): void {
  const connection = new Connection(socket)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => connection.take(chunk))
}

const ports = process.argv.slice(2).map(Number)
let listening = 0
for (const port of ports) {
  net.createServer({ noDelay: true }, serve).listen(port, '127.0.0.1', 4096, () => {
    listening++
    if (listening === ports.length) console.log('ready')
  })
}
