// One execution: a mutated conversation on a connection of its own, and what became of it.
import { StrictReader } from '../hostile/strict.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'

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
export async function play(port: number, input: Input): Promise<Played> {
  const sent = new StrictReader('request')
  const text = input.pieces.join('')
  sent.push(text)
  const requests = badWhiteSpace.test(text) ? Number.POSITIVE_INFINITY : sent.messages.length
  const client = await connectRaw(port)
  for (const { method } of sent.messages) client.expectAnswerTo(method)
  // A proxy that half-closes gets the other half, whatever is still to be sent.
  client.socket.on('end', () => client.end())
  await client.sendParts(input.pieces)
  if (input.isHalfClosed) client.end()
  const isClosed = await client.within(() => client.socket.closed, boundMs)
  client.close()
  const problem = isClosed
    ? judge(client, sent.messages.length)
    : `the connection is open after ${boundMs} ms`
  return { requests, problem }
}

function judge(client: RawClient, requests: number): string | undefined {
  if (client.malformed !== undefined) return `the client got what is no HTTP: ${client.malformed}`
  const finals = client.responses.filter(({ status }) => status >= 200).length
  // One more: the answer to what is no request any more.
  if (finals > requests + 1) return `${finals} answers to ${requests} requests`
  return undefined
}
