// What all proxies expect on their data ports, as far as they tell: asked before the first target is added, then now and
// then beside the passes.
//
// Invariant: asking never fails a pass, and delays only the first one, by `firstWaitMs` at most.
import type { Clock } from '../../shared/clock.ts'
import type { DataPort } from '../../shared/control-socket.ts'
import type { ProxyControl } from '../drain/control-client.ts'
import type { AskProxy } from './ask-proxy.ts'

export interface ProxyModesOptions {
  readonly clock: Clock
  /** The proxy in our own pod. */
  readonly control: ProxyControl | undefined
  /** Asks any proxy; undefined when their admin ports are not to be asked. */
  readonly ask: AskProxy | undefined
}

const firstWaitMs = 500
const askEveryMs = 60_000
// Hundreds of proxies are asked over several rounds: those that have not told yet come first.
const asksPerRound = 8

export class ProxyModes {
  readonly #options: ProxyModesOptions
  readonly #told = new Map<string, DataPort>()
  #own: DataPort | undefined
  #askAtMs: number | undefined

  constructor(options: ProxyModesOptions) {
    this.#options = options
  }

  /** Tells whether there is anybody to ask. */
  get canAsk(): boolean {
    return this.#options.control !== undefined || this.#options.ask !== undefined
  }

  /** Gives what the proxies at `addresses` and our own told last. */
  async look(addresses: readonly string[]): Promise<readonly DataPort[]> {
    const { clock } = this.#options
    const isFirst = this.#askAtMs === undefined
    const now = clock.now()
    if (this.#askAtMs === undefined || now >= this.#askAtMs) {
      this.#askAtMs = now + askEveryMs
      const asked = this.#ask(addresses)
      if (isFirst) await Promise.race([asked, pause(clock, firstWaitMs)])
    }
    const known = new Set(addresses)
    for (const address of this.#told.keys()) if (!known.has(address)) this.#told.delete(address)
    return [...(this.#own === undefined ? [] : [this.#own]), ...this.#told.values()]
  }

  async #ask(addresses: readonly string[]): Promise<void> {
    const { control, ask } = this.#options
    const own = control?.status().then((status) => {
      this.#own = status ?? this.#own
    })
    const silent = addresses.filter((address) => !this.#told.has(address))
    const others = addresses.filter((address) => this.#told.has(address))
    const round = ask === undefined ? [] : [...silent, ...others].slice(0, asksPerRound)
    await Promise.all([
      own,
      ...round.map(async (address) => {
        const port = await ask?.(address)
        // Told last: moves behind those that were not asked this time.
        this.#told.delete(address)
        if (port !== undefined) this.#told.set(address, port)
      }),
    ])
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}
