// What do filters see of a request, and what have they changed? One per exchange, made when a route first has filters.
//
// Invariant: nothing is copied from the request's head; what filters change is kept apart until a head is written.
import { findCookie } from '../../shared/cookies.ts'
import type {
  ConnectionTls,
  FieldEdits,
  FieldLines,
  Outcome,
  RequestView,
} from '../../shared/routing/filters/kind.ts'
import { fieldValue } from '../http/fields.ts'
import type { PeerFacts, RequestFacts } from '../http/forwarded.ts'
import type { RequestHead } from '../http/stream.ts'
import { applyEdits, FieldChanges } from './field-changes.ts'
import type { FilterGuard } from './filter-guard.ts'

const none: readonly string[] = []
const noFacts: RequestFacts = { clientAddress: '', scheme: 'http', requestId: '', lines: '' }
/** Of what is no request. */
export const noHead: RequestHead = {
  protocol: '',
  method: '',
  authority: '',
  host: '',
  path: '',
  query: '',
  readings: undefined,
  fields: '',
  bodyLength: 0,
  upgrade: '',
  expectsContinue: false,
  acceptsTrailers: false,
  userAgent: '',
  referer: '',
  passes: 0,
  forwardedFor: undefined,
  forwardedProto: undefined,
  forwardedHost: undefined,
  forwardedPort: undefined,
  realIp: undefined,
  otherForwarded: '',
  requestId: '',
}

/** The request of an exchange, for filters. */
export class ExchangeView implements RequestView {
  readonly peerAddress: string
  readonly tls: ConnectionTls | undefined
  readonly #random: () => number
  readonly #guard: FilterGuard | undefined
  #head: RequestHead = noHead
  #facts: RequestFacts = noFacts
  #draw = -1
  #finishers: ((outcome: Outcome) => void)[] | undefined
  /** Of the fields that go upstream; undefined while nothing is changed. */
  requestChanges: FieldChanges | undefined
  /** Of the response's fields, whoever makes it. */
  responseChanges: FieldChanges | undefined
  target = ''
  upstreamHost = ''

  constructor(
    random: () => number,
    { address, connection: { tls } }: PeerFacts,
    guard: FilterGuard | undefined,
  ) {
    this.#random = random
    this.#guard = guard
    this.peerAddress = address
    this.tls = tls
  }

  /** Begins with the next request; false when it is the same as before. The facts are an object of their own for each. */
  begin(head: RequestHead, facts: RequestFacts): boolean {
    if (facts === this.#facts) return false
    this.#head = head
    this.#facts = facts
    this.#draw = -1
    this.#finishers = undefined
    this.requestChanges = undefined
    this.responseChanges = undefined
    this.target = head.path + head.query
    this.upstreamHost = ''
    return true
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
    return this.#head.authority
  }

  get believedHost(): string {
    return this.#facts.upstreamHost ?? ''
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
    return this.#head.bodyLength
  }

  get draw(): number {
    if (this.#draw < 0) this.#draw = this.#random()
    return this.#draw
  }

  get fields(): FieldLines {
    const lines = this.#head.fields + this.#facts.lines
    return applyEdits(lines, this.requestChanges?.edits)
  }

  field(name: string): string | undefined {
    if (this.requestChanges === undefined) return this.#sentField(name)
    return this.requestChanges.read(name, () => this.#sentField(name))
  }

  #sentField(name: string): string | undefined {
    const own = fieldValue(this.#head.fields, name, ', ')
    const settled = fieldValue(this.#facts.lines, name, ', ')
    if (own === undefined) return settled
    return settled === undefined ? own : `${own}, ${settled}`
  }

  values(name: string): readonly string[] {
    if (this.requestChanges !== undefined) {
      const value = this.field(name)
      return value === undefined ? [] : [value]
    }
    // No value holds a line feed.
    const own = fieldValue(this.#head.fields, name, '\n')?.split('\n') ?? none
    const settled = fieldValue(this.#facts.lines, name, '\n')?.split('\n') ?? none
    return settled.length === 0 ? own : [...own, ...settled]
  }

  cookie(name: string): string | undefined {
    // Several lines are one list (RFC 9113 §8.2.3 splits them); `; ` is what joins cookies.
    const value = fieldValue(this.#head.fields, 'cookie', '; ')
    return value === undefined ? undefined : findCookie(value, name)
  }

  setField(name: string, value: string): void {
    this.requestChanges ??= new FieldChanges()
    this.requestChanges.set(name, value)
  }

  dropField(name: string): void {
    this.requestChanges ??= new FieldChanges()
    this.requestChanges.drop(name)
  }

  editRequest(edits: FieldEdits): void {
    this.requestChanges ??= new FieldChanges()
    this.requestChanges.apply(edits)
  }

  setResponseField(
    name: string,
    value: string,
    append = false,
    statuses?: ReadonlySet<number>,
  ): void {
    this.responseChanges ??= new FieldChanges()
    if (append) this.responseChanges.add(name, value, statuses)
    else this.responseChanges.set(name, value)
  }

  editResponse(edits: FieldEdits): void {
    this.responseChanges ??= new FieldChanges()
    this.responseChanges.apply(edits)
  }

  whenFinished(callback: (outcome: Outcome) => void): void {
    this.#finishers ??= []
    this.#finishers.push(this.#guard?.bind('finished', callback) ?? callback)
  }

  /** The exchange is over. */
  finish(outcome: Outcome): void {
    const finishers = this.#finishers
    if (finishers === undefined) return
    this.#finishers = undefined
    // What it is read from is used again for the next request, and a filter may keep what it was told.
    const { status, failure, protocol, service, endpoint, retries } = outcome
    const told = { status, failure, protocol, service, endpoint, retries }
    for (const finisher of finishers) finisher(told)
  }
}
