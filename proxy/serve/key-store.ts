// Which keys of load balancers does this worker know, and who waits for one?
//
// Invariant: a key is asked for once at a time, and everybody who waits for it hears the same answer.
// Invariant: names of keys come from clients: what is remembered and what is waited for are bounded.
import { createBoundedCache } from '../../shared/bounded-cache.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Cancel, KeyAnswer, KeyRef } from '../../shared/routing/filters/kind.ts'
import type { TimedKeyAnswer } from '../messages.ts'

interface Known {
  readonly answer: KeyAnswer
  readonly until: number
}

type Listener = (answer: KeyAnswer) => void

const maxKnown = 256
const maxWaitedFor = 64
const unavailable: KeyAnswer = { kind: 'unavailable' }
const nothing = () => {}

/** The keys that one worker knows. */
export class KeyStore {
  readonly #clock: Clock
  readonly #ask: ((ref: KeyRef) => void) | undefined
  // Made when a route needs it: its bookkeeping takes memory at once.
  #known: ReturnType<typeof createBoundedCache<string, Known>> | undefined
  readonly #waiting = new Map<string, Set<Listener>>()

  /** `ask` leads to `set` in the end; without it no key can be had. */
  constructor(clock: Clock, ask: ((ref: KeyRef) => void) | undefined) {
    this.#clock = clock
    this.#ask = ask
  }

  /** Tells what the key is: now when it is known, else when the answer comes; never after the cancel. */
  find(ref: KeyRef, onResult: Listener): Cancel {
    const key = keyOf(ref)
    const known = this.#known?.get(key)
    if (known !== undefined && known.until > this.#clock.now()) {
      onResult(known.answer)
      return nothing
    }
    // One of one's own: the same function may wait twice.
    const listener: Listener = (answer) => onResult(answer)
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) waiting.add(listener)
    else if (this.#ask === undefined || this.#waiting.size >= maxWaitedFor) onResult(unavailable)
    else {
      this.#waiting.set(key, new Set([listener]))
      this.#ask(ref)
    }
    return () => void this.#waiting.get(key)?.delete(listener)
  }

  /** Takes over an answer. */
  set(ref: KeyRef, { answer, forMs }: TimedKeyAnswer): void {
    const key = keyOf(ref)
    const known = this.#known?.get(key)?.answer
    // The same object as long as the key is the same: what was made of it stays good.
    const kept = isSame(known, answer) ? known : answer
    this.#known ??= createBoundedCache({ max: maxKnown })
    this.#known.set(key, { answer: kept, until: this.#clock.now() + forMs })
    const waiting = this.#waiting.get(key) ?? []
    this.#waiting.delete(key)
    for (const listener of waiting) listener(kept)
  }
}

function isSame(a: KeyAnswer | undefined, b: KeyAnswer): a is KeyAnswer {
  return a?.kind === 'found' && b.kind === 'found' && a.pem === b.pem
}

function keyOf({ arn, kid }: KeyRef): string {
  return `${arn} ${kid}`
}
