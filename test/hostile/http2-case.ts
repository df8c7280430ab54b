// What becomes of a hostile case in HTTP/2? Its streams, and by which rules its expectations change with the version. Pure.
//
// | of its requests one is …                                        | then                                                   |
// |-----------------------------------------------------------------|--------------------------------------------------------|
// | well formed (RFC 9113 §8)                                       | what the case accepts is what is accepted              |
// | malformed: fields of a connection, a length that is not its     | it must be refused, whatever HTTP/1.1 might make of it |
// | body's, pseudo-header fields that are none                      |                                                        |
// | one with fields that are none by name or value                  | it may also be forwarded, without these fields         |
//
// Where 400 is right, so is a reset: RFC 9113 §8.1.1 has it be one or the other.
// A stream is to its request what a connection is in HTTP/1.1: "closed" is its end, and what the case wants the client to read about
// the connection is not asked.
import { asHttp2, type Http2Request } from '../support/as-http2.ts'
import { bytesOf, clientParts, type HostileCase, type Part } from './cases.ts'
import type { Message } from './grammar.ts'
import { scriptMessages } from './judge.ts'

/** What is done on a stream behind its head. */
export type Step =
  | { readonly kind: 'data'; readonly text: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'await'; readonly status: number }
  | { readonly kind: 'end' | 'reset' | 'slow' }

/** One request and how it is sent. */
export interface PlannedStream {
  readonly request: Http2Request
  readonly steps: readonly Step[]
}

/** A case as it is played over HTTP/2: with the expectations that hold there. */
export interface Http2Case {
  readonly hostile: HostileCase
  readonly streams: readonly PlannedStream[]
  /** The requests that are right, as HTTP/1.1 would write them. */
  readonly sentMessages: readonly Message[]
}

/** Turns a case; `reason`: why it cannot be said in HTTP/2. */
export function toHttp2(hostile: HostileCase): Http2Case | { readonly reason: string } {
  const parts = clientParts(hostile)
  const isEnded = parts.some(({ halfClose }) => halfClose === true)
  const turned = asHttp2(bytesOf(parts), isEnded)
  if ('reason' in turned) return turned
  // RFC 9110 §15 has a client read them as 500, and Node sends nothing else.
  const [status = 0] = scriptMessages(hostile).messages.map((message) => message.status)
  if (status > 599) return { reason: `Node's HTTP/2 has no status ${status}` }
  const actions = actionsOf(parts)
  const streams: PlannedStream[] = []
  let from = 0
  for (const [at, request] of turned.requests.entries()) {
    const { bodyAt, endAt } = request
    const isLast = at === turned.requests.length - 1
    if (actions.some((action) => action.at > from && action.at < bodyAt)) {
      return { reason: 'a field section is never half of one' }
    }
    const own = actions.filter((action) => action.at >= bodyAt && (isLast || action.at <= endAt))
    streams.push({ request, steps: stepsOf(request, own) })
    from = endAt
  }
  const readings = turned.requests.map(readStrictly)
  const sentMessages = readings.flatMap(({ message }) => (message === undefined ? [] : [message]))
  return {
    hostile: { ...hostile, expect: expectationOf(hostile, readings) },
    streams,
    sentMessages,
  }
}

// ── steps ──────────────────────────────────────────────────────────────────────────────────────
interface Action {
  /** Behind so many bytes of the case's text. */
  readonly at: number
  readonly step: Step | 'stop'
}

// A case that drips for ten minutes has shown what it shows after a few drops.
const maxDrips = 5

function actionsOf(parts: readonly Part[]): readonly Action[] {
  const actions: Action[] = []
  let at = 0
  for (const part of parts) {
    const step = stepOf(part)
    if (step !== undefined) actions.push({ at, step })
    else if (part.drip !== undefined) actions.push(...drips(part.drip, part, at))
    at += bytesOf([part]).length
  }
  return actions
}

function stepOf(part: Part): Step | undefined {
  if (part.waitMs !== undefined) return { kind: 'wait', ms: part.waitMs }
  if (part.awaitStatus !== undefined) return { kind: 'await', status: part.awaitStatus }
  if (part.readBytesPerSecond !== undefined) return { kind: 'slow' }
  return part.reset === true ? { kind: 'reset' } : undefined
}

function drips(text: string, { bytes, times = 1, everyMs = 0 }: Part, start: number): Action[] {
  const size = bytes === undefined ? text.length : 1
  const count = bytes === undefined ? times : text.length
  const shown = Array.from({ length: Math.min(count, maxDrips) }, (_, index): Action => {
    return { at: start + size * (index + 1), step: { kind: 'wait', ms: everyMs } }
  })
  if (count <= maxDrips) return shown
  return [...shown, { at: start + size * maxDrips, step: 'stop' }]
}

function stepsOf({ body, bodyAt, isWhole }: Http2Request, actions: readonly Action[]): Step[] {
  const steps: Step[] = []
  let sent = 0
  const send = (upTo: number) => {
    if (upTo > sent) steps.push({ kind: 'data', text: body.slice(sent, upTo) })
    sent = Math.max(sent, upTo)
  }
  for (const { at, step } of actions) {
    send(Math.min(body.length, at - bodyAt))
    if (step === 'stop') return steps
    if (sent === body.length && isWhole && !steps.some(({ kind }) => kind === 'end')) {
      steps.push({ kind: 'end' })
    }
    steps.push(step)
  }
  send(body.length)
  if (isWhole && !steps.some(({ kind }) => kind === 'end')) steps.push({ kind: 'end' })
  return steps
}

// ── a strict reading, apart from the product's and from nghttp2's ───────────────────────────────
interface Reading {
  /** Undefined: its head is malformed. */
  readonly message: Message | undefined
  /** Head or body is. */
  readonly isMalformed: boolean
  /** Some of its fields are none. */
  readonly isMended: boolean
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const control = /[\x00-\x08\x0a-\x1f\x7f]/
const ofConnection = /^(?:connection|proxy-connection|keep-alive|transfer-encoding|upgrade)$/
// RFC 9110 §6.5.1: a trailer section says nothing about framing; nghttp2 resets a stream whose does.
const noTrailer = /^(?:connection|transfer-encoding|content-length)$/

function readStrictly(request: Http2Request): Reading {
  const of = (name: string) =>
    request.fields.filter(([key]) => key === name).map(([, value]) => value)
  const [method = ''] = of(':method')
  const [authority] = of(':authority')
  const isHandshake = of(':protocol').length > 0
  const path = of(':path')[0] ?? (method === 'CONNECT' ? (authority ?? '') : '')
  const regular = request.fields.filter(([name]) => !name.startsWith(':'))
  const fields = regular.filter(([name, value]) => fieldName.test(name) && !control.test(value))
  const lengths = of('content-length')
  const length = lengths[0] ?? String(request.body.length)
  const isMalformed =
    !token.test(method) ||
    !/^[\x21-\x7e\x80-\xff]+$/.test(path) ||
    fields.some(
      ([name, value]) => ofConnection.test(name) || (name === 'te' && value !== 'trailers'),
    ) ||
    lengths.length > 1 ||
    !/^\d{1,15}$/.test(length) ||
    of('host').length > (authority === undefined ? 1 : 0)
  const isMended = fields.length < regular.length
  if (isMalformed) return { message: undefined, isMalformed, isMended }
  // What is wrong shows when its head is gone upstream already: there it is never whole.
  const isCut =
    (request.isWhole && Number(length) !== request.body.length) ||
    request.trailers.some(([name]) => noTrailer.test(name))
  const host: [string, string][] = authority === undefined ? [] : [['Host', authority]]
  const cookies = of('cookie').join('; ')
  const kept = fields.filter(([name]) => name !== 'cookie')
  const message: Message = {
    kind: 'request',
    method: isHandshake ? 'GET' : method,
    target: path,
    status: 0,
    version: 'HTTP/1.1',
    fields: [...host, ...kept, ...(cookies === '' ? [] : [['cookie', cookies] as const])],
    framing: request.body === '' ? 'none' : 'length',
    length: request.body.length,
    body: isHandshake ? '' : request.body.slice(0, 65_536),
    bodyBytes: isHandshake ? 0 : request.body.length,
    trailers: request.trailers.map(([name, value]) => [name, value]),
    chunkExtensions: 0,
    complete: (request.isWhole && !isCut) || isHandshake,
  }
  return { message, isMalformed: isCut, isMended }
}

// ── expectations ───────────────────────────────────────────────────────────────────────────────
const forwards = (outcome: string) => outcome.startsWith('forwarded') || outcome === '101'
const refusals = ['400', 'closed']

// What HTTP/1.1 says to a client about its connection.
const ofHttp1 = /Connection: close|keep-alive timeout|then 400\/close/

function expectationOf(
  { expect }: HostileCase,
  readings: readonly Reading[],
): HostileCase['expect'] {
  const { clientConnectionAfter: _, ...rest } = expect
  const must = (expect.must ?? []).filter((sentence) => !ofHttp1.test(sentence))
  if (readings.some(({ isMalformed }) => isMalformed)) {
    const accept = [...expect.accept.filter((outcome) => !forwards(outcome)), ...refusals]
    return { ...rest, accept, prefer: '400', must }
  }
  const accept = [...expect.accept]
  if (accept.includes('400')) accept.push('closed')
  if (readings.some(({ isMended }) => isMended)) accept.push('forwarded', 'forwarded-normalised')
  return { ...rest, accept, must }
}
