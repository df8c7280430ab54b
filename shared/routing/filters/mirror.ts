// Who else gets a copy of this request, without the client ever noticing?
//
// Invariant: the original waits for nothing: a copy is sent when its own request has been read, its answer is thrown away.
// Invariant: what copies hold is bounded: `maxInFlight` at a time, `maxBodyBytes` each; what is above is not copied.
import { compileReplaceAll } from '../pattern.ts'
import type { BackendRef } from '../upstreams/backend-ref.ts'
import type {
  BodySink,
  CallRequest,
  CompileContext,
  Filter,
  FilterKind,
  RequestView,
} from './kind.ts'
import { createNotes } from './notes.ts'
import { readablePath, withPath } from './target.ts'

/** Sends copies of requests to a Service. */
export interface MirrorFilter extends Filter {
  readonly kind: 'mirror'
  readonly to: BackendRef
  /** Host that is asked for; absent: that of the request. */
  readonly authority?: string
  /** Path that is asked for, with the query of the request behind it; absent: what goes upstream. */
  readonly path?: string
  /** Path and query as the client sent them, behind `path`. */
  readonly sendsUri?: true
  /** Replaces all matches in the path that is asked for, as Go's regexp does. */
  readonly rewrite?: { readonly pattern: string; readonly replacement: string }
  /** Copies are as the filters before have left the request; absent: as it goes upstream. */
  readonly isOfItsPlace?: true
  /** Copies have no body. */
  readonly isBodiless?: true
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
  fault: ({ percent, to, rewrite }) => {
    if (to === undefined) return 'there is no Service to mirror to'
    const result = rewrite && compileReplaceAll(rewrite.pattern, rewrite.replacement)
    if (result?.ok === false) return result.reason
    return percent >= 0 && percent <= 100 ? undefined : 'the share must be 0 to 100 percent'
  },
  upstreams: ({ to }) => [to],
  compile(filter, context) {
    let inFlight = 0
    const headFor = compileHead(filter)
    const heads = createNotes<CopyHead>()
    return {
      ...(filter.isOfItsPlace && {
        request: {
          kind: 'sync',
          decide(request) {
            heads.set(request, headFor(request))
            return undefined
          },
        },
      }),
      requestBody(request, next) {
        if (inFlight >= filter.maxInFlight || context.random() * 100 >= filter.percent) return
        inFlight += 1
        const release = () => {
          inFlight -= 1
        }
        const head = filter.isOfItsPlace === true ? heads.get(request) : headFor(request)
        if (head === undefined) {
          release()
          return
        }
        if (filter.isBodiless !== true) return new Copy(filter, context, head, next, release)
        sendCopy(filter, context, head, noBytes, release)
        return
      },
    }
  },
}

/** What a copy says besides its body: it may be sent when the request itself is over. */
type CopyHead = Pick<CallRequest, 'method' | 'target' | 'authority' | 'fields'>

function compileHead(filter: MirrorFilter): (request: RequestView) => CopyHead {
  const { rewrite } = filter
  const result = rewrite && compileReplaceAll(rewrite.pattern, rewrite.replacement)
  return (request) => {
    const { method, fields, upstreamHost } = request
    const authority = filter.authority ?? (upstreamHost || request.authority)
    const target = targetOf(request, filter)
    const sent =
      result?.ok === true ? withPath(target, result.replace(readablePath(target))) : target
    return { method, target: sent, authority, fields }
  }
}

function targetOf({ target, path, query }: RequestView, filter: MirrorFilter): string {
  if (filter.sendsUri === true) return (filter.path ?? '') + path + query
  return filter.path === undefined ? target : joinQuery(filter.path, query)
}

/** A path may have a query of its own. */
function joinQuery(path: string, query: string): string {
  return path.includes('?') ? path + query.replace('?', '&') : path + query
}

function sendCopy(
  { to, timeoutMs }: MirrorFilter,
  context: CompileContext,
  head: CopyHead,
  body: Buffer,
  onOver: () => void,
): void {
  const answer = { maxBodyBytes: maxAnswerBytes, dropsBody: true }
  context.call(to.key, { ...head, body, timeoutMs, ...answer }, onOver)
}

/** Passes a body on as it comes and keeps a copy of it. */
class Copy {
  readonly #filter: MirrorFilter
  readonly #context: CompileContext
  readonly #next: BodySink
  readonly #release: () => void
  readonly #head: CopyHead
  #pieces: Buffer[] | undefined = []
  #length = 0

  constructor(
    filter: MirrorFilter,
    context: CompileContext,
    head: CopyHead,
    next: BodySink,
    release: () => void,
  ) {
    this.#filter = filter
    this.#context = context
    this.#next = next
    this.#release = release
    this.#head = head
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
    const body = pieces.length === 0 ? noBytes : Buffer.concat(pieces)
    sendCopy(this.#filter, this.#context, this.#head, body, this.#release)
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
