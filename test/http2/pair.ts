// What the HTTP/2 suites start with: a data plane that speaks HTTP/2 in front of one scripted upstream.
import type { Test } from 'tap'
import { type Pair, startPair } from '../exchange/pair.ts'
import type { InProcessOptions } from '../support/in-process.ts'
import type { Script } from '../support/upstream.ts'
import { connectHttp2, type RawHttp2Client } from './raw-client.ts'

/** A pair whose clients speak HTTP/2. */
export interface Http2Pair extends Pair {
  open(settings?: readonly (readonly [id: number, value: number])[]): Promise<RawHttp2Client>
}

/** Starts both; the clock stands still unless the test moves it. */
export async function startHttp2Pair(
  t: Test,
  options: InProcessOptions & { readonly script?: Script } = {},
): Promise<Http2Pair> {
  const pair = await startPair(t, { ...options, flags: ['--h2c', ...(options.flags ?? [])] })
  const clients: RawHttp2Client[] = []
  t.teardown(() => {
    for (const client of clients) client.close()
  })
  return {
    ...pair,
    async open(settings = []) {
      const client = await connectHttp2(pair.dataPlane.port, settings)
      clients.push(client)
      return client
    },
  }
}
