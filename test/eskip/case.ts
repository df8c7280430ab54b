// What can a case of test/cases/eskip.json say? Its words as types.
//
// The cases were recorded from Skipper 0.27: `expect` is what it did. Where a step is `known`, Skipper is wrong, undetermined or
// unsafe there, and `right` is demanded instead; `right: null` demands an answer, whatever it says.
import { readFileSync } from 'node:fs'
import type { KubeObject } from '../../shared/kube/objects.ts'

/** Header lines, in order. */
export type HeaderLines = readonly (readonly [name: string, value: string])[]

/** A scripted answer; the first whose `when` fits answers. */
export interface Answer {
  readonly when?: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> }
  readonly status?: number
  readonly headers?: HeaderLines
  readonly body?: string
  /** The body comes this many times. */
  readonly bodyRepeat?: number
  readonly delayMs?: number
  readonly chunked?: boolean
  /** The body in pieces, `pieceMs` apart. */
  readonly pieces?: readonly string[]
  readonly pieceMs?: number
  readonly gzip?: boolean
  /** Resets the connection. */
  readonly reset?: boolean
}

/** What answers at an address. */
export interface CaseBackend {
  readonly name: string
  readonly address: string
  readonly port: number
  /** Nobody listens there. */
  readonly down?: boolean
  readonly answers: readonly Answer[]
}

/** A request of a client. */
export interface CaseRequest {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly headers?: HeaderLines
  readonly body?: string
  readonly chunked?: boolean
  /** The client's own address. */
  readonly source?: string
}

/** A header value: a whole line, several lines, absent, or what its whole text matches. */
export type WantedHeader = string | null | readonly string[] | { readonly matches: string }

/** What a backend got. */
export interface WantedSight {
  readonly path?: string
  readonly query?: string
  readonly host?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, WantedHeader>>
  readonly body?: string
}

/** Least and most. */
export type Range = readonly [least: number, most: number]

/** What a step expects of its requests. */
export interface Expect {
  readonly status?: number
  /** Null: the proxy answered itself. */
  readonly servedBy?: string | null
  readonly headers?: Readonly<Record<string, WantedHeader>>
  readonly body?: string
  readonly bodyLength?: number
  /** The answer ended before it was whole. */
  readonly cut?: boolean
  readonly upstreamSaw?: WantedSight
  /** What backends saw beside the one that answered. */
  readonly shadow?: Readonly<Record<string, WantedSight | null>>
  /** How many requests each backend got, of those that got any. */
  readonly attempts?: Readonly<Record<string, number>>
  readonly statuses?: readonly number[]
  readonly statusCounts?: Readonly<Record<string, Range>>
  readonly distribution?: Readonly<Record<string, Range>>
  /** One backend answered all. */
  readonly same?: boolean
  /** Most requests at once at a backend. */
  readonly peak?: Readonly<Record<string, number>>
  readonly elapsedMs?: Range
  /** What one round of Skipper gave, for scale. */
  readonly recorded?: Readonly<Record<string, number>>
}

/** One step: a request, some times, or several requests. */
export interface Step {
  readonly request?: CaseRequest
  readonly requests?: readonly CaseRequest[]
  readonly repeat?: number
  readonly concurrent?: boolean
  /** Between the beginnings of two requests that are concurrent. */
  readonly staggerMs?: number
  /** Between two requests that are not. */
  readonly everyMs?: number
  /** Before the step. */
  readonly pauseMs?: number
  /** After its requests. */
  readonly settleMs?: number
  readonly expect: Expect
  readonly known?: string
  readonly right?: Expect | null
}

/** One case. */
export interface EskipCase {
  readonly id: string
  readonly area: string
  readonly why: string
  readonly objects: readonly KubeObject[]
  readonly backends: readonly CaseBackend[]
  /** Those of Skipper, beside the common ones. */
  readonly flags: readonly string[]
  readonly needs?: readonly string[]
  readonly trustedProxies?: string
  /** A folder of files by their names; its path stands for `${FILES}`. */
  readonly files?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}

const file = new URL('../cases/eskip.json', import.meta.url)

/** Reads all cases. */
export function readCases(): readonly EskipCase[] {
  const { cases }: { readonly cases: readonly EskipCase[] } = JSON.parse(readFileSync(file, 'utf8'))
  return cases
}

/** A case whose backends are in the network 127.N instead of 127.20, and whose files are in this folder. */
export function movedCase(played: EskipCase, network: number, folder: string): EskipCase {
  const text = JSON.stringify(played)
    .replaceAll(/\b127\.20\.(?=\d+\.\d+)/g, `127.${network}.`)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the cases write it.
    .replaceAll('${FILES}', folder)
  return JSON.parse(text)
}
