// What the bookkeeping of one request costs, in ns: `node bench/micro/record.bench.ts`. Budget: counting < 150 ns, a JSON line < 1 µs.
import { type AccessLogMessage, createAccessLog } from '../../proxy/observe/access-log.ts'
import { formatCombined, formatJson } from '../../proxy/observe/log-line.ts'
import type { RequestRecord } from '../../proxy/observe/record.ts'
import { createRecorder } from '../../proxy/observe/recorder.ts'
import { createSlots } from '../../proxy/observe/slot-allocator.ts'
import { exampleRecord } from '../../proxy/observe/testing/records.ts'

const slots = createSlots(() => {})
const silent = createRecorder({ slots })
const wireBuffer = Buffer.alloc(64 * 1024)
const post = (message: AccessLogMessage) => {
  // Stands for postMessage's copy, which is what flattens the chunk.
  wireBuffer.write(message.lines, 'latin1')
  new Int32Array(message.pending)[0] = 0
}
const logging = createRecorder({
  slots,
  accessLog: createAccessLog({ format: 'json', post, slots }),
})

const services = 50
const records = Array.from({ length: 1024 }, (_, i) => example(i))

measure('count (access log off)', (record) => silent.record(record))
measure('format json', (record) => formatJson(record).length)
measure('format combined', (record) => formatCombined(record).length)
measure('count + json line + buffer', (record) => logging.record(record))

function measure(name: string, run: (record: RequestRecord) => unknown): void {
  const rounds: number[] = []
  for (let round = 0; round < 7; round += 1) {
    const start = performance.now()
    for (let pass = 0; pass < 100; pass += 1) for (const record of records) run(record)
    rounds.push(((performance.now() - start) * 1e6) / (100 * records.length))
  }
  rounds.sort((a, b) => a - b)
  console.log(`${name}: ${(rounds[3] ?? 0).toFixed(0)} ns`)
}

function example(i: number): RequestRecord {
  // Strings as the wire gives them: cut from a buffer, never seen before.
  const wire = (text: string) => Buffer.from(text, 'latin1').toString('latin1')
  return exampleRecord({
    wallStartMs: 1_800_000_000_000 + i,
    requestId: wire(`4bf92f3577b34da6a3ce929d0e0e${String(i).padStart(4, '0')}`),
    clientAddress: wire(`192.0.2.${i % 256}`),
    method: wire(i % 8 === 0 ? 'POST' : 'GET'),
    host: wire('shop.example.test'),
    path: wire(`/catalogue/items/${i}`),
    status: i % 20 === 0 ? 404 : 200,
    bytesOut: 1234 + i,
    totalMs: 1.2345 + i / 100,
    upstreamMs: 1.1 + i / 100,
    counters: silent.countersFor({
      namespace: 'shop',
      ingress: 'shop',
      service: `web-${i % services}`,
    }),
    userAgent: wire('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'),
    referer: wire('https://shop.example.test/catalogue'),
  })
}
