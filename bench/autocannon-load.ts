// Load by autocannon, for machines without wrk. The only file that imports it.
import autocannon from 'autocannon'
import type { Load } from './load.ts'

const load: Load = JSON.parse(process.argv[2] ?? '{}')
const result = await autocannon({
  url: `http://127.0.0.1:${load.port}${load.path}`,
  connections: load.connections,
  duration: load.seconds,
  headers: { host: load.host, ...(load.close === true ? { connection: 'close' } : {}) },
  ...(load.uploadBytes === undefined
    ? {}
    : { method: 'POST', body: Buffer.alloc(load.uploadBytes, 97) }),
})
const line = {
  requests: result['2xx'],
  bytes: result.throughput.total,
  seconds: result.duration,
  failures: result.errors + result.non2xx,
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
  p999Ms: result.latency.p99_9,
}
process.stdout.write(`JSON ${JSON.stringify(line)}\n`)
