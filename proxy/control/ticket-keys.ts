// With which keys are TLS tickets sealed? The control thread makes them, so that a session that one worker began is resumed by any;
// they never leave the process. A new key every few hours: whoever gets hold of one can read what was resumed in that time only.
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'

// A name, a key for the signature and one for the cipher, 16 bytes each: what Node takes.
const keyBytes = 48
const rotateMs = 6 * 3_600_000

/** The ticket keys of one proxy. */
export class TicketKeys {
  #current: Uint8Array = randomBytes(keyBytes)
  readonly #stop: () => void

  /** `onKeys` hears of each new one. */
  constructor(clock: Clock, onKeys: (keys: Uint8Array) => void) {
    this.#stop = clock.every(rotateMs, () => {
      this.#current = randomBytes(keyBytes)
      onKeys(this.#current)
    })
  }

  get current(): Uint8Array {
    return this.#current
  }

  stop(): void {
    this.#stop()
  }
}
