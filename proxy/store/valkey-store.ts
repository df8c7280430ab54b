// How does a worker ask the store that all nodes share? The only file that imports iovalkey. It speaks to Valkey, and to
// Redis, which has the same protocol.
//
//   up ──connection lost, or 5 calls in a row without an answer──► down ──a new connection that answers──► up
//
// One connection per worker; calls do not wait for each other (pipelining).
// Invariant: a call is answered or given up within its time. While the store is down none is sent: it costs nothing.
// Invariant: no call is sent twice, so that no request is counted twice. (A script that the store does not know was not run.)
import { createHash } from 'node:crypto'
import { Redis } from 'iovalkey'
import type { Clock } from '../../shared/clock.ts'
import type { SharedStore } from '../../shared/routing/filters/kind.ts'
import { storeScripts } from './scripts.ts'

/** How a call ended: `skipped` was not sent since the store is down, `failed` has its answer an error. */
export type CallResult = 'answered' | 'late' | 'failed' | 'skipped'

/** What a store needs. */
export interface ValkeyStoreOptions {
  /** `redis://HOST:PORT/DB`, or `rediss://` for TLS. */
  readonly url: string
  /** Instead of the one in the URL. */
  readonly password?: string | undefined
  readonly clock: Clock
  /** In [0, 1): spreads the new connections of many workers. */
  readonly random: () => number
  /** Told of each call, with its time. */
  readonly onCall: (result: CallResult, ms: number) => void
  /** The store went up or down. */
  readonly onChange: (isUp: boolean, why: string) => void
}

/** A store with a connection of its own. */
export interface ValkeyStore extends SharedStore {
  /** Ends the connection. */
  close(): void
}

const maxFailuresInARow = 5
// A store that answers, but too late, is left alone for so long before it may delay requests again.
const pauseMs = 1000
// For a connection, and for the first byte of any answer: one that is silent for longer is given up.
const silenceMs = 1000
const maxReconnectMs = 1000

/** Connects to the store; until it answers, all calls are rejected at once. */
export function createValkeyStore(options: ValkeyStoreOptions): ValkeyStore {
  return new Store(options)
}

class Store implements ValkeyStore {
  readonly #options: ValkeyStoreOptions
  readonly #client: Redis
  readonly #scripts: ReadonlyMap<string, Script>
  #isConnected = false
  #isHolding = false
  #pausedUntil = Number.NEGATIVE_INFINITY
  #failuresInARow = 0
  /** What was told last; undefined: nothing yet. */
  #toldUp: boolean | undefined
  #lastError = 'the connection was closed'

  constructor(options: ValkeyStoreOptions) {
    this.#options = options
    this.#scripts = new Map(
      Object.entries(storeScripts).map(([name, lua]) => [name, { lua, sha: sha1(lua) }]),
    )
    this.#client = new Redis(options.url, {
      ...(options.password === undefined ? {} : { password: options.password }),
      connectTimeout: silenceMs,
      socketTimeout: silenceMs,
      disconnectTimeout: 100,
      keepAlive: 10_000,
      enableOfflineQueue: false,
      // What was sent and not answered when a connection ends may have counted: it is not sent again.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) =>
        Math.min(50 * 2 ** attempt, maxReconnectMs) * (0.5 + options.random() / 2),
    })
    this.#client.on('ready', () => this.#noteConnected())
    this.#client.on('close', () => this.#noteDown(this.#lastError))
    this.#client.on('error', (error: Error) => {
      this.#lastError = error.message
    })
  }

  run(
    name: string,
    keys: readonly string[],
    args: readonly string[],
    timeoutMs: number,
  ): Promise<unknown> {
    const { clock, onCall } = this.#options
    const start = clock.now()
    const script = this.#scripts.get(name)
    if (script === undefined || !this.#isConnected || start < this.#pausedUntil) {
      onCall('skipped', 0)
      return Promise.reject(down)
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    let isOver = false
    const stopTimer = clock.after(timeoutMs, () => {
      isOver = true
      onCall('late', clock.now() - start)
      this.#noteFailure('it does not answer in time')
      reject(late)
    })
    this.#send(script, keys, args).then(
      (answer) => {
        if (isOver) return
        stopTimer()
        this.#failuresInARow = 0
        onCall('answered', clock.now() - start)
        resolve(answer)
      },
      (error: Error) => {
        if (isOver) return
        stopTimer()
        onCall('failed', clock.now() - start)
        this.#noteFailure(error.message)
        reject(error)
      },
    )
    return promise
  }

  close(): void {
    this.#isConnected = false
    this.#toldUp = false
    this.#client.disconnect()
  }

  async #send(
    { lua, sha }: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    this.#holdWrites()
    try {
      return await this.#client.evalsha(sha, keys.length, ...keys, ...args)
    } catch (error) {
      // A store that was started anew, or told to forget its scripts.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return this.#client.eval(lua, keys.length, ...keys, ...args)
    }
  }

  /** What is asked in one turn of the event loop goes out in one write: 11 instead of 17 µs of CPU per call at 32 at a time. */
  #holdWrites(): void {
    if (this.#isHolding) return
    this.#isHolding = true
    const { stream } = this.#client
    stream.cork()
    setImmediate(() => {
      this.#isHolding = false
      stream.uncork()
    })
  }

  #noteFailure(why: string): void {
    this.#failuresInARow += 1
    if (this.#failuresInARow < maxFailuresInARow || !this.#isConnected) return
    this.#pausedUntil = this.#options.clock.now() + pauseMs
    this.#lastError = why
    this.#noteDown(why)
    // Answers that are still owed would come first on this connection.
    this.#client.disconnect(true)
  }

  #noteConnected(): void {
    this.#isConnected = true
    this.#failuresInARow = 0
    this.#lastError = 'the connection was closed'
    this.#tell(true, '')
  }

  #noteDown(why: string): void {
    this.#isConnected = false
    this.#tell(false, why)
  }

  #tell(isUp: boolean, why: string): void {
    if (isUp === this.#toldUp) return
    this.#toldUp = isUp
    this.#options.onChange(isUp, why)
  }
}

interface Script {
  readonly lua: string
  readonly sha: string
}

// Made once: a stack for each call that is not sent would cost more than the rest of the request.
const down = new Error('the store is down')
const late = new Error('the store did not answer in time')

/** By what EVALSHA knows a script. */
function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
