// Asks a data plane as some peer, and compares what the upstream and the log learned about the client.
import type { Test } from 'tap'
import { type InProcess, startInProcess, type TableSketch } from './in-process.ts'
import { connectRaw } from './raw-client.ts'
import { type Echo, type EchoUpstream, echoFields, startEcho } from './upstream.ts'

/** 127.0.0.1 is a trusted proxy, 127.0.0.2 is anybody. */
export const trustedPeer = '127.0.0.1'
export const anybody = '127.0.0.2'
export const networks = ['--trusted-proxies', '127.0.0.1/32,10.0.0.0/8,2001:db8:1::/48']

/** One request, and how its fields must arrive. */
export interface FactsRow {
  readonly peer: string
  /** Field lines besides Host. */
  readonly sent: readonly string[]
  /** Fields as they must arrive; each name with its one value, or undefined for none. */
  readonly expected: Readonly<Record<string, string | undefined>>
  /** Client in the log, where it differs from X-Real-IP or that is not named. */
  readonly client?: string
  readonly why: string
}

/** Plays a row. */
export async function compare(
  t: Test,
  plane: InProcess,
  upstream: EchoUpstream,
  row: FactsRow,
): Promise<void> {
  const { peer, sent, expected, client } = row
  const before = plane.log().length
  const echo = await ask(plane, upstream, peer, sent)
  for (const [name, value] of Object.entries(expected)) {
    t.same(echoFields(echo, name), value === undefined ? [] : [value], name)
  }
  const line = plane.log()[before]
  t.equal(line?.client, client ?? expected['X-Real-IP'] ?? peer, 'client in the log')
  t.equal(line?.request_id, echoFields(echo, 'X-Request-Id').join(' | '), 'request id in the log')
}

/** Starts an upstream behind a data plane with these flags; both end with the test. */
export async function startPair(
  t: Test,
  more: readonly string[],
  table: TableSketch = {},
): Promise<{ readonly plane: InProcess; readonly upstream: EchoUpstream }> {
  const upstream = await startEcho('web')
  const plane = await startInProcess({
    ...table,
    flags: more,
    endpoints: { web: [upstream] },
  })
  t.teardown(async () => {
    await plane.close()
    await upstream.close()
  })
  return { plane, upstream }
}

/** Sends a GET with these fields besides Host and returns what the upstream saw last. */
export async function ask(
  { port }: InProcess,
  upstream: EchoUpstream,
  localAddress: string,
  fields: readonly string[],
): Promise<Echo | undefined> {
  const client = await connectRaw(port, { localAddress })
  try {
    await client.request(textOf(fields))
    return upstream.requests.at(-1)
  } finally {
    client.close()
  }
}

/** Writes a head with these fields besides Host. */
export function textOf(fields: readonly string[]): string {
  return ['GET /x HTTP/1.1', 'Host: a.test', ...fields, '', ''].join('\r\n')
}
