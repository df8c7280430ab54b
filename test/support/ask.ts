// One request in short, for tests that look at what comes back and at what the upstream saw; and the admin port's answers.
import { request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import {
  type ExposedFamily,
  parseExposition,
  sampleValue,
} from '../../shared/testing/exposition.ts'
import { asHttp2 } from './as-http2.ts'
import { connectHttp2Client } from './http2-client.ts'
import { connectRaw, type RawResponse } from './raw-client.ts'

/** A request: GET / of `host` unless said otherwise. */
export interface Ask {
  readonly host: string
  readonly method?: string
  /** Path and query as they go onto the wire. */
  readonly path?: string
  /** Whole field lines without their CRLF. */
  readonly fields?: readonly string[]
  /** Sent with its Content-Length, unless a Transfer-Encoding among the fields says that it has chunks. */
  readonly body?: string
  /** The loopback address that the client connects from. */
  readonly from?: string
  /** Sent before the request: a PROXY header. */
  readonly preface?: string
}

/** How a request is made: which version of HTTP. */
export type AskBy = (port: number, asked: Ask) => Promise<RawResponse>

/** Sends one request on a connection of its own and gives the whole final response. */
export async function ask(port: number, asked: Ask): Promise<RawResponse> {
  const { from, preface = '' } = asked
  const client = await connectRaw(port, from === undefined ? {} : { localAddress: from })
  try {
    if (preface !== '') client.send(preface)
    return await client.request(textOf(asked))
  } finally {
    client.close()
  }
}

/** The same over HTTP/2, by prior knowledge. Rejects where `whyNotHttp2` gives a reason. */
export async function askHttp2(port: number, asked: Ask): Promise<RawResponse> {
  const { from, preface = '' } = asked
  const local = from === undefined ? {} : { localAddress: from }
  const client = await connectHttp2Client(port, { ...local, preface })
  try {
    return await client.request(textOf(asked))
  } finally {
    client.close()
  }
}

// RFC 9113 §8.2.2: a request that has one of them is malformed, whatever it asks for.
const ofConnection = /^(?:connection|keep-alive|proxy-connection|upgrade):/i

/** Why a request cannot be made over HTTP/2; undefined when it can. */
export function whyNotHttp2(asked: Ask): string | undefined {
  const turned = asHttp2(textOf(asked))
  if ('reason' in turned) return turned.reason
  const field = asked.fields?.find((line) => ofConnection.test(line))
  return field === undefined ? undefined : `HTTP/2 has no field ${field.split(':')[0]}`
}

function textOf({ host, method = 'GET', path = '/', fields = [], body }: Ask): string {
  const isChunked = fields.some((field) => field.startsWith('Transfer-Encoding:'))
  const length = body === undefined || isChunked ? [] : [`Content-Length: ${body.length}`]
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...fields, ...length]
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** An answer of the admin port. */
export interface AdminAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Asks the admin port. */
export async function askAdmin(port: number, path: string, method = 'GET'): Promise<AdminAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>()
  const outgoing = request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
    const { statusCode: status = 0, headers } = response
    readText(response).then((body) => resolve({ status, headers, body }), reject)
  })
  outgoing.on('error', reject)
  outgoing.end()
  return promise
}

/** What `/metrics` says, read strictly. */
export async function scrape(adminPort: number): Promise<Map<string, ExposedFamily>> {
  return parseExposition((await askAdmin(adminPort, '/metrics')).body)
}

/** One sample of `/metrics`; undefined when there is none with exactly these labels. */
export async function metric(
  adminPort: number,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  return sampleValue(await scrape(adminPort), name, labels)
}

/** One entry of `/routes?problems`. */
export type ShownProblem = Readonly<
  Record<'reason' | 'kind' | 'namespace' | 'name' | 'field' | 'message' | 'remedy', string>
>

/** What `/routes?problems` lists. */
export async function problemsOf(adminPort: number): Promise<readonly ShownProblem[]> {
  return JSON.parse((await askAdmin(adminPort, '/routes?problems')).body).problems
}

/** Asks again and again until `isTrue` holds of the answer; rejects with the last answer after `timeoutMs`. */
export async function until<T>(
  what: string,
  get: () => Promise<T>,
  isTrue: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await get()
    if (isTrue(answer)) return answer
    if (performance.now() > deadline) {
      throw new Error(
        `never happened: ${what}; at last: ${String(JSON.stringify(answer)).slice(0, 2000)}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
