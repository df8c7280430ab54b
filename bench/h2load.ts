// Load over TLS by h2load (Debian: nghttp2-client), HTTP/2 or HTTP/1.1, and what it says read into a result.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { LoadResult } from './load.ts'
import { onCore } from './pin.ts'

/** What to send; over TLS. */
export interface SecureLoad {
  readonly port: number
  /** SNI and authority. */
  readonly host: string
  readonly path: string
  readonly protocol: 'h2' | 'http/1.1'
  readonly connections: number
  /** Streams at a time on each connection. */
  readonly streams: number
  readonly seconds: number
  /** A file to send with each request, and fields; absent: GET. */
  readonly bodyFile?: string
  readonly fields?: readonly string[]
}

/** Loads once; rejects when h2load says nothing that can be read. */
export async function runH2load(load: SecureLoad): Promise<LoadResult> {
  const [program = '', ...args] = onCore('load', [
    ...['h2load', '-t1', `-c${load.connections}`, `-m${load.streams}`, `-D${load.seconds}`],
    ...[`--connect-to=127.0.0.1:${load.port}`, `--npn-list=${load.protocol}`],
    ...(load.bodyFile === undefined ? [] : ['-d', load.bodyFile]),
    ...(load.fields ?? []).flatMap((field) => ['-H', field]),
    `https://${load.host}:${load.port}${load.path}`,
  ])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  const keep = (chunk: Buffer) => {
    out += chunk.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  await once(child, 'close')
  return readReport(out, load.seconds)
}

/** Reads h2load's report. Only what ended with a 2xx counts; the times that it shows are the mean and the largest. */
export function readReport(text: string, seconds: number): LoadResult {
  const done = /^requests: .* (\d+) failed, \d+ errored/m.exec(text)
  const codes = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/m.exec(text)
  if (done === null || codes === null) throw new Error(`h2load: ${text.slice(-1000)}`)
  const [, good = 0, ...others] = codes.map(Number)
  const failures = Number(done[1]) + others.reduce((sum, count) => sum + count, 0)
  const bytes = Number(/^traffic: .*\((\d+)\) data/m.exec(text)?.[1] ?? 0)
  const [, longest = 0, mean = 0] = /^time for request: +\S+ +(\S+) +(\S+)/m.exec(text) ?? []
  return {
    ...{ requests: good, bytes, seconds, failures },
    ...{ p50Ms: toMs(String(mean)), p99Ms: toMs(String(longest)), p999Ms: toMs(String(longest)) },
  }
}

function toMs(text: string): number {
  const factor = text.endsWith('us') ? 0.001 : text.endsWith('ms') ? 1 : 1000
  return Number.parseFloat(text) * factor
}
