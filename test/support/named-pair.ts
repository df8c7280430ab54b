// Two upstreams that answer with their names.
import { startScripted } from './upstream.ts'

/** An endpoint, and what it answers with. */
export interface NamedEndpoint {
  readonly name: string
  readonly address: string
  readonly port: number
}

/** Starts two upstreams. */
export async function startNamedPair(): Promise<{
  readonly endpoints: readonly NamedEndpoint[]
  readonly close: () => Promise<void>
}> {
  const names = ['one', 'two']
  const upstreams = await Promise.all(
    names.map((name) =>
      startScripted({
        onRequest: () => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`,
      }),
    ),
  )
  return {
    endpoints: upstreams.map(({ address, port }, at) => ({ name: names[at] ?? '', address, port })),
    close: async () => {
      await Promise.all(upstreams.map((upstream) => upstream.close()))
    },
  }
}
