// How is a case played over HTTP/1.1, byte for byte, and what did its client see?
import { setTimeout as delay } from 'node:timers/promises'
import type { RawClient, RawResponse } from '../support/raw-client.ts'
import type { CaseClient, ClientView, Lane, Variant } from './case-client.ts'
import { bytesOf, clientParts, type HostileCase } from './cases.ts'
import { connectTo, getPlainly, playOn } from './client.ts'
import { scriptMessages } from './judge.ts'
import { readStrictly } from './strict.ts'

// Time for something wrong to show after the last expected byte.
const settleMs = 20

/** A client of HTTP/1.1 with one case to play. */
export class Http1CaseClient implements CaseClient {
  readonly #client: RawClient
  readonly #hostile: HostileCase
  readonly #variant: Variant
  readonly #sent: string
  #responsesBefore = 0
  #finalsBefore = 0
  #bytesBefore = 0

  constructor(client: RawClient, hostile: HostileCase, variant: Variant) {
    this.#client = client
    this.#hostile = hostile
    this.#variant = variant
    this.#sent = bytesOf(clientParts(hostile))
  }

  static async open(lane: Lane, hostile: HostileCase, variant: Variant): Promise<CaseClient> {
    const { host, port } = lane.target
    return new Http1CaseClient(await connectTo(host, port), hostile, variant)
  }

  async warmUp(target: string): Promise<RawResponse | undefined> {
    const answer = await getPlainly(this.#client, 'a.test', target)
    this.#responsesBefore = this.#client.responses.length
    this.#finalsBefore = this.#client.finals.length
    this.#bytesBefore = this.#client.text.length
    return answer
  }

  async play(lane: Lane): Promise<number> {
    const client = this.#client
    client.firstBodyAt = 0
    for (const { method } of readStrictly('request', this.#sent).messages) {
      client.expectAnswerTo(method)
    }
    const parts = clientParts(this.#hostile)
    const { segmentation } = this.#variant
    if (this.#hostile.clientReads !== undefined) {
      client.socket.pause()
      const { resume } = await playOn(client, parts, segmentation, lane.timeScale)
      const before = lane.target.residentKib()
      await delay(10_000 * lane.timeScale)
      const grown = lane.target.residentKib() - before
      resume()
      return grown
    }
    const isSlow = parts.some((part) => part.readBytesPerSecond !== undefined)
    const before = lane.target.residentKib()
    const { resume } = await playOn(client, parts, segmentation, lane.timeScale)
    if (!isSlow) return 0
    // Longer than the scaled write timeout; then the rest is read, if it still comes.
    await delay(lane.patienceMs * 0.7)
    const grown = lane.target.residentKib() - before
    resume()
    return grown
  }

  async whenOver({ patienceMs }: Lane): Promise<void> {
    const client = this.#client
    const hostile = this.#hostile
    const strict = readStrictly('request', this.#sent)
    const complete = strict.messages.filter((message) => message.complete).length
    const expected = Math.max(1, complete)
    const broken = strict.error !== undefined || hostile.expect.clientConnectionAfter === 'closed'
    const finals = () => client.finals.slice(this.#finalsBefore)
    const answered = () => finals().length >= expected && finals().at(-1)?.complete === true
    const over = () => client.ended !== 'open' || client.malformed !== undefined
    // A backend that sends on and on has no end to wait for: all of it there is the end.
    const script =
      hostile.clientReads === undefined ? undefined : scriptMessages(hostile).messages.at(-1)
    const allThere = () =>
      script !== undefined &&
      !script.complete &&
      (client.finals.at(-1)?.bodyBytes ?? 0) >= script.bodyBytes &&
      script.bodyBytes > 0
    await client.within(() => over() || answered() || allThere(), patienceMs)
    const closing = client.finals.some((message) =>
      message.fields.some(([name, value]) => /^connection$/i.test(name) && /close/i.test(value)),
    )
    const late = finals().length < expected || broken || closing
    await client.within(over, late && client.ended === 'open' ? 1000 : settleMs)
  }

  view(): ClientView {
    const client = this.#client
    return {
      sentMessages: readStrictly('request', this.#sent).messages,
      responses: client.responses.slice(this.#responsesBefore),
      clientBytes: client.text.slice(this.#bytesBefore),
      responseError: client.malformed,
      ended: client.ended,
      tunnelled: client.tunnelled,
      firstBodyAt: client.firstBodyAt,
    }
  }

  close(): void {
    this.#client.close()
  }
}
