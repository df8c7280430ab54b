// What is one hostile case? The shapes of test/cases/http1-hostile.json, read once at this border.
// Strings are latin1: one char code is one byte on the wire.
import { readFileSync } from 'node:fs'

/** One step of a play: what the client, or the backend, does next. */
export interface Part {
  readonly text?: string
  readonly repeat?: string
  readonly times?: number
  readonly drip?: string
  readonly everyMs?: number
  readonly bytes?: number
  readonly waitMs?: number
  readonly halfClose?: boolean
  readonly reset?: boolean
  readonly close?: boolean
  readonly awaitStatus?: number
  readonly readBytesPerSecond?: number
}

/** One case of the file. */
export interface HostileCase {
  readonly id: string
  readonly category: string
  readonly side: 'request' | 'response'
  readonly name: string
  readonly raw?: string
  readonly parts?: readonly Part[]
  readonly halfCloseAfter?: boolean
  readonly clientReads?: string
  readonly onReusedConnection?: boolean
  readonly backendSends?: readonly Part[]
  readonly expect: {
    readonly prefer: string
    readonly accept: readonly string[]
    readonly must?: readonly string[]
    readonly clientConnectionAfter?: 'closed'
  }
}

/** How a play's bytes are cut into writes. */
export type Segmentation = 'whole' | 'bytes' | 'lines'

export const segmentations: readonly Segmentation[] = ['whole', 'bytes', 'lines']

/** Reads the cases; the file is ours, so its shape is believed. */
export function readCases(file: string | URL): readonly HostileCase[] {
  const parsed: { cases: HostileCase[] } = JSON.parse(readFileSync(file, 'utf8'))
  return parsed.cases
}

/** Gives the client's steps of a case, `raw` and `parts` alike. */
export function clientParts(hostile: HostileCase): readonly Part[] {
  if (hostile.parts !== undefined) return hostile.parts
  const parts: Part[] = [{ text: hostile.raw ?? '' }]
  if (hostile.halfCloseAfter === true) parts.push({ halfClose: true })
  return parts
}

/** Gives the bytes that a list of steps puts on the wire, without its pauses. */
export function bytesOf(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      if (part.text !== undefined) return part.text
      if (part.repeat !== undefined) return part.repeat.repeat(part.times ?? 1)
      if (part.drip !== undefined) return part.drip.repeat(part.times ?? 1)
      return ''
    })
    .join('')
}

// Long texts are cut byte by byte at both ends only, where the grammar is; a megabyte of single-byte
// writes would test the kernel's patience.
const bytewiseEnds = 600

/** Cuts a text into the pieces that are written one by one. Joined, they are the text. */
export function cut(text: string, segmentation: Segmentation): readonly string[] {
  if (text === '') return []
  if (segmentation === 'whole') return [text]
  if (segmentation === 'lines') return cutLines(text)
  if (text.length <= 2 * bytewiseEnds) return [...text]
  const middle = text.slice(bytewiseEnds, -bytewiseEnds)
  return [
    ...text.slice(0, bytewiseEnds),
    ...(middle.match(/[\s\S]{1,4096}/g) ?? []),
    ...text.slice(-bytewiseEnds),
  ]
}

// At every CR and every LF a piece ends, so that CR and LF never share a write.
function cutLines(text: string): readonly string[] {
  const lines = text.match(/[^\r\n]+|\r|\n/g) ?? []
  if (lines.length <= 2000) return lines
  const half = 400
  return [
    ...lines.slice(0, half),
    ...(lines
      .slice(half, -half)
      .join('')
      .match(/[\s\S]{1,4097}/g) ?? []),
    ...lines.slice(-half),
  ]
}
