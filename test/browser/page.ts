// Which page does the browser load, and what does the page find out about itself? 100 parts of four kinds, then a large download, an
// upload, a WebSocket and requests to other hosts; what it saw it sends to `/result`.
import { readFileSync } from 'node:fs'

/** Parts of each kind, by the path that they lie under. */
export const parts = { image: 40, style: 20, script: 20, data: 20 }

/** How many the page has in all. */
export const partCount = 100

/** Bytes of `/large` and of what is sent to `/upload`: more than any window. */
export const largeBytes = 4 << 20
export const uploadBytes = 1 << 20

/** What the page says of itself. */
export interface PageResult {
  /** Parts that came whole, and have what they should. */
  readonly whole: number
  /** Protocols that the page and its parts came by, each once. */
  readonly protocols: readonly string[]
  readonly download: number
  readonly upload: string
  /** What a WebSocket's other end said. */
  readonly echo: string
  /** Of `shared`, whose certificate and address are the page's own. */
  readonly shared: number
  /** Of `guarded`, as well, but it asks clients for certificates. */
  readonly guarded: number
}

/** Hosts that the page asks besides its own. */
export interface OtherHosts {
  readonly shared: string
  readonly guarded: string
}

const list = (count: number) => Array.from({ length: count }, (_, at) => at)

/** What lies at a path; undefined: nothing. */
export function partAt(path: string): { readonly type: string; readonly text: string } | undefined {
  const [, kind, at = ''] = /^\/(\w+)\/(\d+)$/.exec(path) ?? []
  switch (kind) {
    case 'image':
      return {
        type: 'image/svg+xml',
        text: `<svg xmlns="http://www.w3.org/2000/svg" width="${Number(at) + 1}" height="1"/>`,
      }
    case 'style':
      return { type: 'text/css', text: `:root { --style-${at}: ${at} }` }
    case 'script':
      return { type: 'text/javascript', text: `scripts.push(${at})` }
    case 'data':
      return { type: 'application/json', text: `{"at":${at}}` }
    default:
      return undefined
  }
}

/** What runs in the page. */
export const look = readFileSync(new URL('look.js', import.meta.url), 'utf8')

/** Writes the page. */
export function writePage(hosts: OtherHosts): string {
  const asked = JSON.stringify({ parts, hosts, uploadBytes })
  return [
    '<!doctype html><title>100 parts</title>',
    `<script>globalThis.scripts = []; globalThis.asked = ${asked}</script>`,
    ...list(parts.style).map((at) => `<link rel="stylesheet" href="/style/${at}">`),
    ...list(parts.image).map((at) => `<img src="/image/${at}">`),
    ...list(parts.script).map((at) => `<script src="/script/${at}"></script>`),
    '<script src="/look.js"></script>',
  ].join('\n')
}
