// Is this stream of bytes HTTP/1.1 by the letter of RFC 9112, and which messages does it carry?
// Written for the tests alone and apart from the product's reader, so that the two cannot share a mistake.
// Invariant: after the first error nothing more is read; messages before it stay valid.

import {
  chunkLine,
  type Message,
  readFields,
  readFraming,
  readRequestLine,
  readStatusLine,
} from './grammar.ts'

const bodyCap = 65_536

type State = 'head' | 'length' | 'until-close' | 'size' | 'data' | 'data-end' | 'trailers' | 'dead'

/** Reads a stream of messages; `onHead` and `onEnd` are told as they pass. */
export class StrictReader {
  readonly messages: Message[] = []
  /** Why the stream is no HTTP; undefined as long as it is. */
  error: string | undefined
  /** Bytes after which HTTP is over (a tunnel). */
  tunnelled = ''
  onHead: (message: Message) => void = () => {}
  onEnd: (message: Message) => void = () => {}
  /** Methods of the requests that these responses answer, in order. */
  readonly requestMethods: string[] = []
  readonly #kind: 'request' | 'response'
  #state: State | 'tunnel' = 'head'
  #rest = ''
  #left = 0
  #scanned = 0
  #current: Message | undefined

  constructor(kind: 'request' | 'response') {
    this.#kind = kind
  }

  /** True between messages, with no byte of a next one seen. */
  get idle(): boolean {
    return this.#state === 'head' && this.#rest === ''
  }

  /** From here on the bytes are a tunnel's. */
  becomeTunnel(): void {
    this.#state = 'tunnel'
    this.tunnelled += this.#rest
    this.#rest = ''
  }

  push(bytes: string): void {
    this.#rest += bytes
    while (this.#step());
  }

  /** The peer ended its side. */
  end(): void {
    if (this.#state === 'until-close') this.#finish()
  }

  #fail(reason: string): false {
    this.error = reason
    this.#state = 'dead'
    return false
  }

  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead()
      case 'length':
      case 'data':
      case 'until-close':
        return this.#readBody()
      case 'size':
        return this.#readSize()
      case 'data-end':
        return this.#readDataEnd()
      case 'trailers':
        return this.#readTrailers()
      case 'tunnel':
        this.tunnelled += this.#rest
        this.#rest = ''
        return false
      case 'dead':
        this.#rest = ''
        return false
    }
  }

  /** Takes the lines up to an empty one, or undefined as long as there is none. */
  #takeBlock(): string | undefined {
    const from = Math.max(0, this.#scanned - 3)
    const end = this.#rest.startsWith('\r\n') ? -2 : this.#rest.indexOf('\r\n\r\n', from)
    // A line end is CR LF and nothing else: anything else is an error at once, not a wait.
    const odd = /(?<!\r)\n|\r(?=[^\n])|\0/.exec(this.#rest.slice(from, end < 0 ? undefined : end))
    // A LF at the very start of the window may belong to a CR just before it.
    if (odd !== null && !(odd.index === 0 && from > 0 && this.#rest[from - 1] === '\r')) {
      this.#fail('bare CR, bare LF or NUL')
      return undefined
    }
    this.#scanned = this.#rest.length
    if (end === -1) return undefined
    const block = end === -2 ? '' : this.#rest.slice(0, end)
    this.#rest = this.#rest.slice(end + 4)
    this.#scanned = 0
    return block
  }

  #readHead(): boolean {
    if (this.#rest === '') return false
    // RFC 9112 §2.2: an empty line before a request line is skipped.
    if (this.#kind === 'request' && this.#rest.startsWith('\r\n')) {
      this.#rest = this.#rest.slice(2)
      this.#scanned = 0
      return true
    }
    // A lone CR waits for its LF here; without the guard it would be read as a head.
    const block = this.#takeBlock()
    if (block === undefined) return false
    const lines = block.split('\r\n')
    const first = lines[0] ?? ''
    const start = this.#kind === 'request' ? readRequestLine(first) : readStatusLine(first)
    if (typeof start === 'string') return this.#fail(start)
    const fields = readFields(lines.slice(1))
    if (typeof fields === 'string') return this.#fail(fields)
    const head = { kind: this.#kind, method: '', target: '', status: 0, fields, ...start }
    const hosts = fields.filter(([name]) => name.toLowerCase() === 'host').length
    if (head.kind === 'request' && (hosts > 1 || (hosts === 0 && head.version === 'HTTP/1.1'))) {
      return this.#fail(`${hosts} Host fields`)
    }
    const final = head.kind === 'response' && head.status >= 200
    const framing = readFraming(
      head,
      (final ? this.requestMethods.shift() : this.requestMethods[0]) ?? 'GET',
    )
    if (typeof framing === 'string') return this.#fail(framing)
    const rest = { body: '', bodyBytes: 0, trailers: [], chunkExtensions: 0, complete: false }
    this.#begin({ ...head, ...framing, ...rest })
    return true
  }

  #begin(message: Message): void {
    this.#current = message
    this.messages.push(message)
    this.#left = message.length
    const states = { length: 'length', chunked: 'size', 'until-close': 'until-close' } as const
    this.#state = message.framing === 'none' ? 'head' : states[message.framing]
    this.onHead(message)
    if (message.framing === 'none') this.#finish()
  }

  #finish(): void {
    const message = this.#current
    if (message === undefined) return
    this.#current = undefined
    message.complete = true
    if (this.#state !== 'tunnel') this.#state = message.status === 101 ? 'tunnel' : 'head'
    this.#scanned = 0
    this.onEnd(message)
  }

  #readBody(): boolean {
    if (this.#rest === '' || this.#current === undefined) return false
    const open = this.#state === 'until-close'
    const taken = open ? this.#rest : this.#rest.slice(0, this.#left)
    this.#rest = open ? '' : this.#rest.slice(taken.length)
    this.#left -= taken.length
    const message = this.#current
    message.bodyBytes += taken.length
    if (message.body.length < bodyCap) message.body += taken.slice(0, bodyCap - message.body.length)
    if (open || this.#left > 0) return false
    if (this.#state === 'data') this.#state = 'data-end'
    else this.#finish()
    return true
  }

  #readSize(): boolean {
    const end = this.#rest.indexOf('\r\n')
    const odd = /(?<!\r)\n|\r(?=[^\n])|\0/.test(end === -1 ? this.#rest : this.#rest.slice(0, end))
    if (odd) return this.#fail('chunk line with a bare CR, LF or NUL')
    if (end === -1) return false
    const match = chunkLine.exec(this.#rest.slice(0, end))
    const size = Number.parseInt(match?.[1] ?? '', 16)
    if (match === null || !Number.isSafeInteger(size)) {
      return this.#fail(`chunk line ${JSON.stringify(this.#rest.slice(0, Math.min(end, 40)))}`)
    }
    if (match[2] !== '' && this.#current !== undefined) this.#current.chunkExtensions++
    this.#rest = this.#rest.slice(end + 2)
    this.#left = size
    this.#state = size === 0 ? 'trailers' : 'data'
    this.#scanned = 0
    return true
  }

  #readDataEnd(): boolean {
    if (this.#rest.length < 2) {
      if (this.#rest !== '' && this.#rest !== '\r') return this.#fail('bytes after a chunk')
      return false
    }
    if (!this.#rest.startsWith('\r\n')) return this.#fail('bytes after a chunk')
    this.#rest = this.#rest.slice(2)
    this.#state = 'size'
    return true
  }

  #readTrailers(): boolean {
    let block: string | undefined
    if (this.#rest.startsWith('\r\n')) {
      this.#rest = this.#rest.slice(2)
      block = ''
    } else block = this.#takeBlock()
    if (block === undefined) return false
    const trailers = block === '' ? [] : readFields(block.split('\r\n'))
    if (typeof trailers === 'string') return this.#fail(`trailer: ${trailers}`)
    if (this.#current !== undefined) this.#current.trailers = trailers
    this.#finish()
    return true
  }
}

/** Reads a whole text at once. */
export function readStrictly(
  kind: 'request' | 'response',
  text: string,
  ended = false,
): StrictReader {
  const reader = new StrictReader(kind)
  reader.push(text)
  if (ended) reader.end()
  return reader
}
