// Who else gets a copy of this request, without the client ever noticing?
//
// Invariant: the original waits for nothing: a copy is sent when its own request has been read, its answer is thrown away.
// Invariant: what copies hold is bounded: `maxInFlight` at a time, `maxBodyBytes` each; what is above is not copied.
import type { BackendRef } from '../upstreams/backend-ref.ts'
import type { BodySink, CompileContext, Filter, FilterKind, RequestView } from './kind.ts'

/** Sends copies of requests to a Service. */
export interface MirrorFilter extends Filter {
  readonly kind: 'mirror'
  readonly to: BackendRef
  /** 0 to 100. */
  readonly percent: number
  /** Requests with a larger body are not copied. */
  readonly maxBodyBytes: number
  readonly timeoutMs: number
  /** Per worker. */
  readonly maxInFlight: number
}

// An upstream that answers a copy with more than this has its connection closed: nobody reads it.
const maxAnswerBytes = 1 << 20

const noBytes = Buffer.alloc(0)

export const mirrorKind: FilterKind<MirrorFilter> = {
  kind: 'mirror',
  defaults: { percent: 100, maxBodyBytes: 1 << 20, timeoutMs: 5000, maxInFlight: 100 },
  fault: ({ percent, to }) => {
    if (to === undefined) return 'there is no Service to mirror to'
    return percent >= 0 && percent <= 100 ? undefined : 'the share must be 0 to 100 percent'
  },
  upstreams: ({ to }) => [to],
  compile(filter, context) {
    let inFlight = 0
    return {
      requestBody(request, next) {
        if (inFlight >= filter.maxInFlight || context.random() * 100 >= filter.percent) return
        inFlight += 1
        return new Copy(filter, context, request, next, () => {
          inFlight -= 1
        })
      },
    }
  },
}

/** Passes a body on as it comes and keeps a copy of it. */
class Copy {
  readonly #filter: MirrorFilter
  readonly #context: CompileContext
  readonly #next: BodySink
  readonly #release: () => void
  readonly #head: Pick<RequestView, 'method' | 'target' | 'fields'> & { readonly authority: string }
  #pieces: Buffer[] | undefined = []
  #length = 0

  constructor(
    filter: MirrorFilter,
    context: CompileContext,
    request: RequestView,
    next: BodySink,
    release: () => void,
  ) {
    const { method, target, fields, upstreamHost, authority } = request
    this.#filter = filter
    this.#context = context
    this.#next = next
    this.#release = release
    this.#head = { method, target, fields, authority: upstreamHost || authority }
  }

  write(bytes: Buffer): boolean {
    this.#length += bytes.length
    if (this.#length > this.#filter.maxBodyBytes) this.#giveUp()
    else this.#pieces?.push(Buffer.from(bytes))
    return this.#next.write(bytes)
  }

  end(trailers: string): void {
    const pieces = this.#pieces
    this.#pieces = undefined
    this.#next.end(trailers)
    if (pieces === undefined) return
    const { to, timeoutMs } = this.#filter
    const { method, target, authority, fields } = this.#head
    this.#context.call(
      to.key,
      {
        method,
        target,
        authority,
        fields,
        body: pieces.length === 0 ? noBytes : Buffer.concat(pieces),
        timeoutMs,
        maxBodyBytes: maxAnswerBytes,
        dropsBody: true,
      },
      this.#release,
    )
  }

  abort(): void {
    this.#giveUp()
  }

  #giveUp(): void {
    if (this.#pieces === undefined) return
    this.#pieces = undefined
    this.#release()
  }
}
