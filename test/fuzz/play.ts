// One execution: a mutated conversation on a connection of its own, and what became of it.
import net from 'node:net'
import { StrictReader } from '../hostile/strict.ts'

/** What is played, enough to play it again. */
export interface Input {
  /** Latin1; each is one write. */
  readonly pieces: readonly string[]
  /** The client closes its side when all is written. */
  readonly isHalfClosed: boolean
}

/** What became of it. */
export interface Played {
  /** Requests that the strict grammar finds in what was sent. */
  readonly requests: number
  /** What must never happen, if it did. */
  readonly problem: string | undefined
}

// The proxy's own limits are 1 to 3 seconds each; several may follow each other on one connection.
const boundMs = 10_000
// RFC 9110 §5.6.3 has recipients read white space around the `;` of a chunk extension; the strict parser refuses it.
const badWhiteSpace = /[0-9A-Fa-f"A-Za-z][\t ]+;|;[\t ]/

/** Plays one input and waits until its connection is closed. */
export function play(port: number, input: Input): Promise<Played> {
  const sent = new StrictReader('request')
  const text = input.pieces.join('')
  sent.push(text)
  const requests = badWhiteSpace.test(text) ? Number.POSITIVE_INFINITY : sent.messages.length
  const answers = new StrictReader('response')
  answers.requestMethods.push(...sent.messages.map((message) => message.method))
  const { promise, resolve } = Promise.withResolvers<Played>()
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const bound = setTimeout(() => {
    resolve({ requests, problem: `the connection is open after ${boundMs} ms` })
    socket.destroy()
  }, boundMs)
  socket.on('data', (bytes: Buffer) => answers.push(bytes.toString('latin1')))
  socket.on('end', () => socket.end())
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    clearTimeout(bound)
    resolve({ requests, problem: judge(answers, sent.messages.length) })
  })
  writeAll(socket, input)
  return promise
}

function writeAll(socket: net.Socket, { pieces, isHalfClosed }: Input, index = 0): void {
  const piece = pieces[index]
  if (socket.destroyed) return
  if (piece === undefined) {
    if (isHalfClosed) socket.end()
    return
  }
  socket.write(piece, 'latin1', () =>
    setImmediate(() => writeAll(socket, { pieces, isHalfClosed }, index + 1)),
  )
}

function judge(answers: StrictReader, requests: number): string | undefined {
  if (answers.error !== undefined) return `the client got what is no HTTP: ${answers.error}`
  const finals = answers.messages.filter(({ status }) => status >= 200).length
  // One more: the answer to what is no request any more.
  if (finals > requests + 1) return `${finals} answers to ${requests} requests`
  return undefined
}
