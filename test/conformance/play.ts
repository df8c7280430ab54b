// How are the requests of a case made, whatever feeds the proxy its objects? On connections of the test's own, as often as the case
// says, in HTTP/1.1 or in HTTP/2.
import { connectHttp2Client } from '../support/http2-client.ts'
import { connectRaw, type RawResponse } from '../support/raw-client.ts'
import { readEcho } from '../support/upstream.ts'
import {
  type Asserts,
  checkExpectations,
  type Outcome,
  type Sight,
  sentFields,
} from './expectations.ts'
import type { CaseRequest } from './objects.ts'
import { nameOf, type Pods } from './pods.ts'

const evenSplitRequests = 200
const scaleUpPatienceMs = 20_000

/** The proxy that is asked: a data port of 127.0.0.1. */
export interface Proxy {
  readonly port: number
}

/** A client's connection, which is told its requests in the words of HTTP/1.1. */
export interface Connection {
  request(text: string): Promise<RawResponse>
  close(): void
}

/** A way to ask: which version of HTTP, and how its connections are opened. */
export interface Version {
  readonly name: string
  readonly open: (port: number) => Promise<Connection>
}

const http1: Version = { name: 'HTTP/1.1', open: (port) => connectRaw(port) }

/** All versions; those but the first need a proxy with `--h2c`. */
export const versions: readonly Version[] = [
  http1,
  { name: 'HTTP/2', open: (port) => connectHttp2Client(port) },
]

/** Tells whether a case begins with one endpoint and brings more while it runs. */
export function isScaleUp({ requests }: { readonly requests: readonly CaseRequest[] }): boolean {
  return requests.some(({ expect }) => expect.distinctPods !== undefined)
}

/** Makes a request of a case as often as it says, on one connection or each on its own. */
export async function play(
  proxy: Proxy,
  pods: Pods,
  request: CaseRequest,
  { open } = http1,
): Promise<Sight[]> {
  const isEven = request.expect.evenSplit !== undefined
  const times = isEven ? evenSplitRequests : (request.repeat ?? 1)
  const sights: Sight[] = []
  let client = await open(proxy.port)
  try {
    for (let count = 0; count < times; count += 1) {
      if (request.newConnectionEach === true && count > 0) {
        client.close()
        client = await open(proxy.port)
      }
      sights.push(await ask(client, proxy, pods, request))
    }
  } finally {
    client.close()
  }
  return sights
}

async function ask(
  client: Connection,
  proxy: Proxy,
  pods: Pods,
  { method, path, host }: CaseRequest,
): Promise<Sight> {
  // An empty host: the client knows nothing but the proxy's address.
  const fields = [`Host: ${host === '' ? `127.0.0.1:${proxy.port}` : host}`]
  for (const [name, value] of sentFields) fields.push(`${name}: ${value}`)
  if (method !== 'GET') fields.push('Content-Length: 0')
  const response = await client.request(
    `${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`,
  )
  const echo = response.status === 200 ? readEcho(response.body) : undefined
  return { response, echo, endpoint: pods.at(echo?.endpoint) }
}

/** A case that begins with one endpoint, and the way to all of them. */
export interface ScaleUp extends Omit<Outcome, 'sights'> {
  readonly pods: Pods
  readonly proxy: Proxy
  /** Brings all endpoints of the case. */
  readonly scaleUp: () => Promise<void>
}

/** One endpoint serves; then there are all of them, and a running proxy has to notice. */
export async function checkScaleUp(t: Asserts, stage: ScaleUp): Promise<void> {
  const { conformance, request, pods, proxy, scaleUp } = stage
  const before = await play(proxy, pods, { ...request, repeat: 10 })
  const first = { ...request, expect: { ...request.expect, distinctPods: 1 } }
  checkExpectations(t, { conformance, request: first, sights: before })
  await scaleUp()
  const deadline = performance.now() + scaleUpPatienceMs
  const wanted = request.expect.distinctPods ?? 0
  let sights = await play(proxy, pods, request)
  while (podsIn(sights) < wanted && performance.now() < deadline) {
    t.ok(
      sights.every(({ response }) => response.status === 200),
      'no request fails during the change',
    )
    sights = await play(proxy, pods, request)
  }
  checkExpectations(t, { conformance, request, sights })
}

function podsIn(sights: readonly Sight[]): number {
  return new Set(sights.map(({ endpoint }) => endpoint && nameOf(endpoint))).size
}
