// Is a response worth compressing for this client, and by which coding? (RFC 9110 §12.5.3 Accept-Encoding)
//
// Invariant: a body that is coded already, partial, or forbids changes (no-transform) is never touched: never twice.
// Invariant: every write of the upstream is flushed, so that events of a stream are not held back; memory is one zlib stream.
import type { BrotliCompress } from 'node:zlib'
import { compileSearch, type Search } from '../pattern.ts'
import type {
  BodyControl,
  BodySink,
  BodyStage,
  Filter,
  FilterKind,
  ResponseStep,
  ResponseView,
} from './kind.ts'

/** The codings that Weir makes, by their names in Accept-Encoding. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

/** Compresses responses for clients that accept it. */
export interface CompressFilter extends Filter {
  readonly kind: 'compress'
  /** In the order of preference among those that a client likes equally. */
  readonly codings: readonly Coding[]
  /** Media types, `text/*` for all of a family, a star on both sides for all; lower case. */
  readonly types: readonly string[]
  /** Shorter bodies, where the length is known, are sent as they are. */
  readonly minBytes: number
  /** 1 (fast) to 9 (small); of br alone 0 to 11. */
  readonly level: number
  /** Who gets bodies as they are: a pattern that User-Agent has a match of, without case. */
  readonly exceptAgents?: string
  /** Vary is told only with what is coded, as Skipper does. */
  readonly variesWhenCoded?: true
  /** What Weir answers itself is coded as well. */
  readonly codesOwn?: true
}

// What browsers load as text, and the formats of APIs.
const compressible = [
  'text/*',
  'application/json',
  'application/javascript',
  'application/xml',
  'application/xhtml+xml',
  'application/rss+xml',
  'application/manifest+json',
  'application/problem+json',
  'application/wasm',
  'image/svg+xml',
  'font/ttf',
]

const digests = ['content-digest', 'repr-digest', 'digest', 'content-md5']

const known: ReadonlySet<string> = new Set(['gzip', 'deflate', 'br', 'zstd'])

export const compressKind: FilterKind<CompressFilter> = {
  kind: 'compress',
  defaults: { types: compressible, minBytes: 1024, level: 4 },
  fault({ codings = [], types = [], level, exceptAgents }) {
    const bad = codings.find((coding) => !known.has(coding))
    if (bad !== undefined)
      return `there is no coding '${bad}'; there are gzip, deflate, br and zstd`
    if (codings.length === 0) return 'there is no coding'
    if (
      !types.every((type) =>
        /^(?:[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)|\*\/\*)$/.test(type),
      )
    ) {
      return 'a type must be a media type such as text/html, or text/*'
    }
    const agents = exceptAgents === undefined ? undefined : compileSearch(`(?i)${exceptAgents}`)
    if (agents?.ok === false) return `the pattern of user agents ${agents.reason}`
    const isBrotli = codings.every((coding) => coding === 'br')
    if (isBrotli) return level >= 0 && level <= 11 ? undefined : 'the level must be 0 to 11'
    return level >= 1 && level <= 9 ? undefined : 'the level must be 1 to 9'
  },
  compile(filter) {
    const types = new Set(filter.types)
    const isWanted = types.has('*/*')
      ? () => true
      : (type: string) => types.has(type) || types.has(`${type.slice(0, type.indexOf('/'))}/*`)
    const isExcepted = compileAgents(filter.exceptAgents)
    return {
      responseBody(response, next, control) {
        if (!mayCompress(response, filter.minBytes, isWanted)) return
        // The choice depends on the request, whether or not it falls on a coding (RFC 9110 §12.5.5).
        if (filter.variesWhenCoded !== true) vary(response)
        if (isExcepted?.(response.request.field('user-agent') ?? '') === true) return
        const coding = chooseCoding(response.request.field('accept-encoding') ?? '', filter.codings)
        if (coding === undefined) return
        if (filter.variesWhenCoded === true) vary(response)
        weaken(response)
        if (isBodiless(response)) return
        response.setField('content-encoding', coding)
        response.bodyLength = undefined
        return new Compressor(coding, filter.level, next, control)
      },
      ...(filter.codesOwn && { response: ownCoding(filter, isWanted) }),
    }
  },
}

/** Codes what Weir answers itself: it is whole, and short. */
function ownCoding(filter: CompressFilter, isWanted: (type: string) => boolean): ResponseStep {
  return {
    includesOwn: 'only',
    kind: 'sync',
    decide(response) {
      const body = response.ownBody
      if (body === undefined || !mayCompress(response, filter.minBytes, isWanted)) return undefined
      const coding = chooseCoding(response.request.field('accept-encoding') ?? '', filter.codings)
      if (coding === undefined) return undefined
      vary(response)
      const coded = codeWhole(coding, filter.level, Buffer.from(body))
      response.setField('content-encoding', coding)
      response.setField('content-length', String(coded.length))
      response.ownBody = coded
      return undefined
    },
  }
}

function vary(response: ResponseView): void {
  if (!/\baccept-encoding\b/i.test(response.field('vary') ?? '')) {
    response.addField('vary', 'Accept-Encoding')
  }
}

function compileAgents(pattern: string | undefined): Search | undefined {
  if (pattern === undefined) return undefined
  const result = compileSearch(`(?i)${pattern}`)
  if (!result.ok) throw new Error(result.reason)
  return result.search
}

function mayCompress(
  response: ResponseView,
  minBytes: number,
  isWanted: (type: string) => boolean,
): boolean {
  const { status } = response
  // 206 is part of a body whose bytes are counted; 1xx and 204 have none.
  if (status < 200 || status === 204 || status === 206) return false
  const length = lengthOf(response)
  if (length === 0 || (length ?? minBytes) < minBytes) return false
  if (response.field('content-encoding') !== undefined) return false
  if (/\bno-transform\b/i.test(response.field('cache-control') ?? '')) return false
  const field = response.field('content-type')
  // A 304 need not name the type; that of the response it stands for may be one (RFC 9110 §15.4.5).
  if (field === undefined) return status === 304
  return isWanted(field.split(';', 1)[0]?.trim().toLowerCase() ?? '')
}

/** It has no body, but says what the one of a GET that is answered with 200 would have (RFC 9110 §9.3.2, §15.4.5). */
function isBodiless({ status, request }: ResponseView): boolean {
  return status === 304 || request.method === 'HEAD'
}

/** Of the body, or of the one that is not sent; undefined: not known. */
function lengthOf(response: ResponseView): number | undefined {
  if (!isBodiless(response)) return response.bodyLength
  const told = response.field('content-length')
  return told === undefined ? undefined : Number(told)
}

/** RFC 9110 §8.8.1: other bytes are another representation: a strong validator would claim that they are the same. */
function weaken(response: ResponseView): void {
  const tag = response.field('etag')
  if (tag?.startsWith('"') === true) response.setField('etag', `W/${tag}`)
  response.dropField('accept-ranges')
  // RFC 9530 §2 and §3: digests are of the coded bytes; these would no longer fit.
  for (const name of digests) response.dropField(name)
}

/** Chooses the coding with the highest weight, of equal ones the first of ours; undefined: as it is. */
export function chooseCoding(accepted: string, codings: readonly Coding[]): Coding | undefined {
  const weights = new Map<string, number>()
  for (const member of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim())
    const q = parameters.find((part) => part.startsWith('q='))
    const weight = q === undefined ? 1 : Number(q.slice(2))
    if (name !== '')
      weights.set(name === 'x-gzip' ? 'gzip' : name, Number.isNaN(weight) ? 0 : weight)
  }
  let best: Coding | undefined
  let bestWeight = 0
  for (const coding of codings) {
    const weight = weights.get(coding) ?? weights.get('*') ?? 0
    if (weight > bestWeight) {
      best = coding
      bestWeight = weight
    }
  }
  // Who likes the body as it is better gets it so.
  return bestWeight < (weights.get('identity') ?? 0) ? undefined : best
}

/** A zlib stream between upstream and client. */
class Compressor implements BodyStage {
  readonly #zlib: BrotliCompress
  readonly #next: BodySink
  readonly #control: BodyControl
  #pending = 0
  #isOver = false

  constructor(coding: Coding, level: number, next: BodySink, control: BodyControl) {
    this.#zlib = createStream(coding, level)
    this.#next = next
    this.#control = control
    this.#zlib.on('data', (bytes: Buffer) => void next.write(bytes))
    this.#zlib.on('error', () => {
      if (!this.#isOver) control.fail('internal-error')
    })
  }

  write(bytes: Buffer): boolean {
    this.#pending += 1
    this.#zlib.write(Buffer.from(bytes))
    this.#zlib.flush(() => {
      this.#pending -= 1
      if (this.#pending === 0 && !this.#isOver) this.#control.resume()
    })
    return false
  }

  end(trailers: string): void {
    this.#zlib.once('end', () => {
      if (this.#isOver) return
      this.#isOver = true
      this.#next.end(trailers)
    })
    this.#zlib.end()
  }

  abort(): void {
    this.#isOver = true
    this.#zlib.destroy()
  }
}

function createStream(coding: Coding, level: number) {
  // Loaded by the first response that is compressed: a thread that compresses nothing keeps its memory.
  const { constants, createBrotliCompress, createDeflate, createGzip, createZstdCompress } =
    process.getBuiltinModule('node:zlib')
  switch (coding) {
    case 'gzip':
      return createGzip({ level })
    case 'deflate':
      return createDeflate({ level })
    case 'br':
      return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: level } })
    case 'zstd':
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } })
  }
}

function codeWhole(coding: Coding, level: number, body: Buffer): Buffer {
  const { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } =
    process.getBuiltinModule('node:zlib')
  switch (coding) {
    case 'gzip':
      return gzipSync(body, { level })
    case 'deflate':
      return deflateSync(body, { level })
    case 'br':
      return brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: level } })
    case 'zstd':
      return zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: level } })
  }
}
