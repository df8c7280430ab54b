// One finished request for tests, each field with a value of its own.
import type { RequestRecord } from '../record.ts'
import { RouteCounters } from '../route-series.ts'

/** Makes a record of a GET that went well, with `changes`. */
export function exampleRecord(changes: Partial<RequestRecord>): RequestRecord {
  return {
    wallStartMs: Date.UTC(2026, 10, 21, 9, 8, 7, 6),
    requestId: 'req-1',
    clientAddress: '192.0.2.7',
    method: 'GET',
    host: 'a.test',
    path: '/x',
    query: '',
    protocol: 'HTTP/1.1',
    status: 200,
    error: '',
    bytesIn: 3,
    bytesOut: 1234,
    fieldBytesIn: 40,
    fieldBytesOut: 60,
    totalMs: 12.3456,
    upstreamMs: 11,
    responseMs: 12,
    connectMs: 2,
    overheadMs: 0.034,
    counters: new RouteCounters({ namespace: 'shop', ingress: 'front', service: 'web' }, undefined),
    endpoint: '10.0.0.7:8080',
    retries: 1,
    userAgent: 'curl/8',
    referer: 'https://a.test/from',
    scheme: 'https',
    loggedFields: undefined,
    tunnel: false,
    ...changes,
  }
}
