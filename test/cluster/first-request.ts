// How long does it take from a write until a request is served by it? Asks again and again on one connection.
import { connectRaw, type RawClient, type RawResponse } from '../support/raw-client.ts'

// Clients of an API server that was away come back within half a minute.
const giveUpMs = 90_000

/** One client that waits for changes to be seen. */
export class FirstRequest {
  readonly #port: number
  #client: RawClient | undefined

  constructor(port: number) {
    this.#port = port
  }

  /** Gives ms from `sinceMs` to the end of the first answer for `host` that `isWanted`. */
  async seen(
    host: string,
    sinceMs: number,
    isWanted: (response: RawResponse) => boolean,
  ): Promise<number> {
    for (;;) {
      const response = await this.#ask(host)
      const tookMs = performance.now() - sinceMs
      if (isWanted(response)) return tookMs
      if (tookMs > giveUpMs) throw new Error(`${host} still gives ${response.status}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  close(): void {
    this.#client?.close()
  }

  async #ask(host: string): Promise<RawResponse> {
    if (this.#client === undefined || this.#client.ended !== 'open') {
      this.#client?.close()
      this.#client = await connectRaw(this.#port)
    }
    return await this.#client.request(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  }
}
