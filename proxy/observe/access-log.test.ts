import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import t from 'tap'
import { type AccessLogMessage, createAccessLog, createLogWriter } from './access-log.ts'
import { formatCombined, formatJson } from './log-line.ts'
import { createSlots } from './slot-allocator.ts'
import { exampleRecord } from './testing/records.ts'

function setUp(format: 'json' | 'combined' = 'json') {
  const posted: AccessLogMessage[] = []
  const slots = createSlots(() => {})
  const log = createAccessLog({ format, slots, post: (message) => posted.push(message) })
  const dropped = slots.counter('weir_access_log_dropped_total', {})
  return { log, posted, droppedLines: () => dropped.page[dropped.at] }
}

t.test('lines wait for the flush and leave together', async (t) => {
  const { log, posted } = setUp()
  log.write(exampleRecord({ path: '/1' }))
  log.write(exampleRecord({ path: '/2' }))
  t.equal(posted.length, 0)
  log.flush()
  t.equal(posted.length, 1)
  t.equal(posted[0]?.count, 2)
  const expected = ['/1', '/2'].map((path) => formatJson(exampleRecord({ path }))).join('')
  t.equal(posted[0]?.lines, expected)
  log.flush()
  t.equal(posted.length, 1, 'an empty flush posts nothing')
})

t.test('the combined format is used when asked for', async (t) => {
  const { log, posted } = setUp('combined')
  log.write(exampleRecord({}))
  log.flush()
  t.equal(posted[0]?.lines, formatCombined(exampleRecord({})))
})

t.test('a chunk leaves by itself when it is large enough', async (t) => {
  const { log, posted } = setUp()
  for (let i = 0; i < 200; i += 1) log.write(exampleRecord({}))
  t.ok(posted.length >= 1)
  for (const { lines } of posted) t.ok(lines.length < 34_000, String(lines.length))
})

t.test('a control thread that does not take chunks costs lines, never memory', async (t) => {
  const { log, posted, droppedLines } = setUp()
  for (let i = 0; i < 70; i += 1) {
    log.write(exampleRecord({}))
    log.write(exampleRecord({}))
    log.flush()
  }
  t.equal(posted.length, 64)
  t.equal(droppedLines(), 12)

  const written: string[] = []
  const writer = createLogWriter({ write: (chunk) => written.push(chunk) })
  for (const message of posted) writer.accept(message)
  log.write(exampleRecord({}))
  log.flush()
  t.equal(posted.length, 65, 'and it goes on once they are taken')
  t.equal(written.length, 64)
})

t.test('chunks and their receipts pass between threads', async (t) => {
  const { port1, port2 } = new MessageChannel()
  const slots = createSlots(() => {})
  const dropped = slots.counter('weir_access_log_dropped_total', {})
  const post = (message: AccessLogMessage) => port1.postMessage(message)
  const log = createAccessLog({ format: 'json', slots, post })
  const written: string[] = []
  const writer = createLogWriter({ write: (chunk) => written.push(chunk) })
  for (let i = 0; i < 100; i += 1) {
    log.write(exampleRecord({}))
    log.flush()
    const received: { message: AccessLogMessage } | undefined = receiveMessageOnPort(port2)
    if (received !== undefined) writer.accept(received.message)
  }
  port1.close()
  t.equal(written.length, 100)
  t.equal(dropped.page[dropped.at], 0)
})
