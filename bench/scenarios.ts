// What is measured? The scenarios by name: what is loaded, with how many routes, and which number is compared.
import type { Load } from './load.ts'

/** A scenario of plain load. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly routes: number
  readonly load: Omit<Load, 'port' | 'host' | 'seconds'>
  /** Bytes of one body; 0 where requests are counted. */
  readonly bodyBytes: number
}

const mebibyte = 1024 * 1024

const plain = (name: string, title: string, routes: number, load: Scenario['load']): Scenario => ({
  name,
  title,
  routes,
  load,
  bodyBytes: 0,
})

const download = (name: string, title: string, bytes: number, connections: number): Scenario => ({
  ...plain(name, title, 1, { path: `/bytes/${bytes}`, connections }),
  bodyBytes: bytes,
})

const upload = (name: string, title: string, bytes: number, connections: number): Scenario => ({
  ...plain(name, title, 1, { path: '/', connections, uploadBytes: bytes }),
  bodyBytes: bytes,
})

/** Scenarios of plain load, in the order of the report. */
export const scenarios: readonly Scenario[] = [
  plain('small', 'small GET, 64 keep-alive connections', 1, { path: '/', connections: 64 }),
  plain('half', 'small GET at 2,000 requests/s, evenly paced', 1, {
    path: '/',
    connections: 64,
    rate: 2000,
  }),
  plain('connect', 'small GET, a new connection each', 1, {
    path: '/',
    connections: 32,
    close: true,
  }),
  download('down-1m', '1 MiB downloads', mebibyte, 16),
  download('down-100m', '100 MiB downloads', 100 * mebibyte, 4),
  upload('up-1m', '1 MiB uploads', mebibyte, 16),
  upload('up-100m', '100 MiB uploads', 100 * mebibyte, 4),
  plain('routes-1000', 'small GET, 1,000 Ingresses loaded', 1000, { path: '/', connections: 64 }),
  plain('routes-16000', 'small GET, 16,000 Ingresses loaded', 16_000, {
    path: '/',
    connections: 64,
  }),
]

/** Scenarios with a driver of their own. */
export const specialScenarios = [
  'filters',
  'table',
  'websockets',
  'churn',
  'start',
  'workers',
] as const
