// How is a case played over HTTP/2, and what did its client see? Streams follow each other, so that the order in which an upstream
// gets them is the case's; what a stream showed is told as if it had been a connection of HTTP/1.1.
import { setTimeout as delay } from 'node:timers/promises'
import {
  connectHttp2Client,
  type Http2Client,
  type Http2Exchange,
} from '../support/http2-client.ts'
import type { RawResponse } from '../support/raw-client.ts'
import type { CaseClient, ClientView, Lane, Variant } from './case-client.ts'
import type { Message } from './grammar.ts'
import type { Http2Case, PlannedStream } from './http2-case.ts'
import { scriptMessages } from './judge.ts'

const nextStreamMs = 1500
const settleMs = 10

interface Played {
  readonly planned: PlannedStream
  readonly exchange: Http2Exchange
}

/** A client of HTTP/2 with one case to play. */
export class Http2CaseClient implements CaseClient {
  readonly #client: Http2Client
  readonly #case: Http2Case
  readonly #played: Played[] = []
  #bytesBefore: number

  constructor(client: Http2Client, of: Http2Case) {
    this.#client = client
    this.#case = of
    // The server's settings are no answer.
    this.#bytesBefore = client.text.length
  }

  static async open(lane: Lane, of: Http2Case, { segmentation }: Variant): Promise<CaseClient> {
    const { host, port } = lane.target
    const client = await connectHttp2Client(port, { host, isCut: segmentation === 'bytes' })
    return new Http2CaseClient(client, of)
  }

  async warmUp(target: string): Promise<RawResponse | undefined> {
    const response = await this.#client
      .request(`GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`)
      .catch(() => undefined)
    this.#bytesBefore = this.#client.text.length
    return response
  }

  async play(lane: Lane): Promise<number> {
    const { hostile, streams } = this.#case
    const before = lane.target.residentKib()
    let isSlow = false
    for (const planned of streams) {
      const exchange = this.#begin(planned)
      if (hostile.clientReads !== undefined) exchange.stream.pause()
      isSlow = (await playSteps(exchange, planned, lane)) || isSlow
      const isLast = planned === streams.at(-1)
      if (!isLast) await exchange.within(() => exchange.ended !== 'open', nextStreamMs)
    }
    if (!isSlow && hostile.clientReads === undefined) return 0
    await delay(isSlow ? lane.patienceMs * 0.7 : 10_000 * lane.timeScale)
    const grown = lane.target.residentKib() - before
    for (const { exchange } of this.#played) exchange.stream.resume()
    return grown
  }

  #begin(planned: PlannedStream): Http2Exchange {
    const { request, steps } = planned
    const isEnd = steps[0]?.kind === 'end' && request.trailers.length === 0
    const exchange = this.#client.begin(request.fields, isEnd, request.trailers)
    this.#played.push({ planned, exchange })
    return exchange
  }

  async whenOver(lane: Lane): Promise<void> {
    // A backend that sends on and on has no end to wait for: all of it there is the end.
    const script = this.#lastOfScript()
    const isOver = ({ exchange, planned }: Played) =>
      exchange.ended !== 'open' ||
      (isHandshake(planned) && exchange.final !== undefined) ||
      (script !== undefined &&
        !script.complete &&
        script.bodyBytes > 0 &&
        (exchange.final?.bodyBytes ?? 0) >= script.bodyBytes)
    for (const each of this.#played) {
      // As long as something comes, the machine is slow and not the proxy.
      const bytes = () => each.exchange.final?.bodyBytes ?? 0
      for (let seen = -1; !isOver(each) && bytes() > seen; ) {
        seen = bytes()
        await each.exchange.within(() => isOver(each), lane.patienceMs)
      }
    }
    await delay(settleMs)
  }

  #lastOfScript(): Message | undefined {
    const { hostile } = this.#case
    return hostile.clientReads === undefined ? undefined : scriptMessages(hostile).messages.at(-1)
  }

  view(): ClientView {
    const exchanges = this.#played.map(({ exchange }) => exchange)
    const ends = exchanges.map(({ ended }) => ended)
    const isOpen = ends.some((ended) => ended === 'open')
    const broken = ends.find((ended) => ended === 'reset' || ended === 'ours')
    const tunnel = this.#played.find(({ planned }) => isHandshake(planned))
    return {
      sentMessages: this.#case.sentMessages,
      responses: this.#played.flatMap((played) => asHttp1(played)),
      clientBytes: this.#client.text.slice(this.#bytesBefore),
      responseError: exchanges.find(({ malformed }) => malformed !== undefined)?.malformed,
      ended: isOpen ? 'open' : (broken ?? 'fin'),
      tunnelled: tunnel?.exchange.final?.body ?? '',
      firstBodyAt: exchanges[0]?.firstBodyAt ?? 0,
    }
  }

  close(): void {
    this.#client.close()
  }
}

function isHandshake({ request }: PlannedStream): boolean {
  return request.fields.some(([name]) => name === ':protocol')
}

/** RFC 8441 §5: 200 to an extended CONNECT is what 101 is in HTTP/1.1. */
function asHttp1({ planned, exchange }: Played): readonly Message[] {
  const { final } = exchange
  if (!isHandshake(planned) || final?.status !== 200) return exchange.responses
  const fields = [...final.fields, ['connection', 'Upgrade'], ['upgrade', 'websocket']] as const
  const accepted: Message = {
    ...final,
    status: 101,
    fields: fields.map(([name, value]) => [name, value] as const),
    body: '',
    complete: true,
  }
  return exchange.responses.map((each) => (each === final ? accepted : each))
}

/** Plays what follows a head; says whether its client reads slowly. */
async function playSteps(
  exchange: Http2Exchange,
  { steps }: PlannedStream,
  lane: Lane,
): Promise<boolean> {
  const { stream } = exchange
  let isSlow = false
  for (const step of steps) {
    const isOver = () => exchange.ended !== 'open'
    if (isOver()) break
    if (step.kind === 'data') stream.write(Buffer.from(step.text, 'latin1'))
    else if (step.kind === 'end') stream.end()
    else if (step.kind === 'reset') exchange.reset()
    else if (step.kind === 'wait') await exchange.within(isOver, step.ms * lane.timeScale)
    else if (step.kind === 'await') {
      const isThere = () => exchange.responses.some(({ status }) => status === step.status)
      await exchange.within(() => isThere() || isOver(), 2000)
    } else if (step.kind === 'slow') {
      stream.pause()
      isSlow = true
    }
  }
  return isSlow
}
