// What do filters see of a request, and what have they changed? One per exchange, made when a route first has filters.
//
// Invariant: nothing is copied from the request's head; what filters change is kept apart until a head is written.
import { findCookie } from '../../shared/cookies.ts'
import type { FieldEdits, Outcome, RequestView } from '../../shared/routing/filters/kind.ts'
import { fieldValue } from '../http/fields.ts'
import type { RequestFacts } from '../http/forwarded.ts'
import type { RequestHead } from '../http1/request-head.ts'

type Change = { readonly name: string; readonly value: string | undefined; readonly adds: boolean }

/** The request of an exchange, for filters. */
export class ExchangeView implements RequestView {
  readonly #random: () => number
  #head: RequestHead
  #facts: RequestFacts
  #draw = -1
  #requestChanges: Change[] | undefined
  #responseChanges: Change[] | undefined
  #finishers: ((outcome: Outcome) => void)[] | undefined
  readonly peerAddress: string
  target = ''
  upstreamHost = ''

  constructor(random: () => number, peerAddress: string, head: RequestHead, facts: RequestFacts) {
    this.peerAddress = peerAddress
    this.#random = random
    this.#head = head
    this.#facts = facts
  }

  /** Begins with the next request. */
  begin(head: RequestHead, facts: RequestFacts): void {
    this.#head = head
    this.#facts = facts
    this.#draw = -1
    this.#requestChanges = undefined
    this.#responseChanges = undefined
    this.#finishers = undefined
    this.target = head.path + head.query
    this.upstreamHost = ''
  }

  get method(): string {
    return this.#head.method
  }

  get scheme(): 'http' | 'https' {
    return this.#facts.scheme
  }

  get host(): string {
    return this.#head.host
  }

  get authority(): string {
    return this.#head.hostField
  }

  get path(): string {
    return this.#head.path
  }

  get query(): string {
    return this.#head.query
  }

  get clientAddress(): string {
    return this.#facts.clientAddress
  }

  get requestId(): string {
    return this.#facts.requestId
  }

  get bodyLength(): number | undefined {
    const { framing, contentLength } = this.#head
    return framing === 'chunked' ? undefined : contentLength
  }

  get draw(): number {
    if (this.#draw < 0) this.#draw = this.#random()
    return this.#draw
  }

  field(name: string): string | undefined {
    const change = this.#requestChanges?.findLast((one) => one.name === name)
    return change === undefined
      ? fieldValue(this.#head.kept + this.#facts.lines, name, ', ')
      : change.value
  }

  cookie(name: string): string | undefined {
    // Several lines are one list (RFC 9113 §8.2.3 splits them); `; ` is what joins cookies.
    const value = fieldValue(this.#head.kept, 'cookie', '; ')
    return value === undefined ? undefined : findCookie(value, name)
  }

  setField(name: string, value: string): void {
    this.#requestChanges ??= []
    this.#requestChanges.push({ name, value: checked(name, value), adds: false })
  }

  dropField(name: string): void {
    this.#requestChanges ??= []
    this.#requestChanges.push({ name, value: undefined, adds: false })
  }

  setResponseField(name: string, value: string, append = false): void {
    this.#responseChanges ??= []
    this.#responseChanges.push({ name, value: checked(name, value), adds: append })
  }

  whenFinished(callback: (outcome: Outcome) => void): void {
    this.#finishers ??= []
    this.#finishers.push(callback)
  }

  /** What filters changed of the fields that go upstream; undefined when nothing. */
  get requestEdits(): FieldEdits | undefined {
    return editsOf(this.#requestChanges)
  }

  /** What filters changed of the response's fields; undefined when nothing. */
  get responseEdits(): FieldEdits | undefined {
    return editsOf(this.#responseChanges)
  }

  /** The exchange is over. */
  finish(outcome: Outcome): void {
    const finishers = this.#finishers
    this.#finishers = undefined
    if (finishers !== undefined) for (const finisher of finishers) finisher(outcome)
  }
}

/** RFC 9110 §5.5: a value that could end its line would write a field of its own. */
function checked(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new RangeError(`a value of ${name} has a line end or NUL`)
  return value
}

function editsOf(changes: readonly Change[] | undefined): FieldEdits | undefined {
  if (changes === undefined) return undefined
  const dropped = new Set<string>()
  let lines: { readonly name: string; readonly value: string }[] = []
  for (const { name, value, adds } of changes) {
    if (!adds) {
      dropped.add(name)
      lines = lines.filter((line) => line.name !== name)
    }
    if (value !== undefined) lines.push({ name, value })
  }
  return { dropped, appended: lines.map(({ name, value }) => `${name}: ${value}\r\n`).join('') }
}
