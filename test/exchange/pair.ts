// What the exchange suites start with: a data plane in front of one scripted upstream, closed when the test ends.
import type { Test } from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { type InProcess, type InProcessOptions, startInProcess } from '../support/in-process.ts'
import { connectRaw, type RawClient } from '../support/raw-client.ts'
import { type Script, type ScriptedUpstream, startScripted } from '../support/upstream.ts'

/** A data plane, the upstream of its service `web`, and the clock of both. */
export interface Pair {
  readonly dataPlane: InProcess
  readonly upstream: ScriptedUpstream
  /** Stands still unless the test moves it: nothing here ends by real time. */
  readonly clock: ManualClock
  connect(): Promise<RawClient>
}

/** Starts both; the upstream answers every request with `okResponse` unless a script says otherwise. */
export async function startPair(
  t: Test,
  options: InProcessOptions & { readonly script?: Script } = {},
): Promise<Pair> {
  const clock = new ManualClock()
  const upstream = await startScripted(options.script)
  const dataPlane = await startInProcess({ clock, ...options, endpoints: { web: [upstream] } })
  const clients: RawClient[] = []
  t.teardown(async () => {
    for (const client of clients) client.close()
    await dataPlane.close()
    await upstream.close()
  })
  return {
    dataPlane,
    upstream,
    clock,
    async connect() {
      const client = await connectRaw(dataPlane.port)
      clients.push(client)
      return client
    },
  }
}

/** Writes a request head with these field lines behind Host, with its empty line. */
export function head(line: string, ...fields: readonly string[]): string {
  return [line, 'Host: a.test', ...fields, '', ''].join('\r\n')
}

/** A plain GET. */
export const get = head('GET / HTTP/1.1')

/** Writes a whole response with a length. */
export function response(status: string, body: string, ...fields: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${body.length}`, ...fields, '', body].join('\r\n')
}
