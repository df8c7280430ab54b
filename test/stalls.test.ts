// A worker that gets no CPU for a while (a throttled container, a busy node) is late itself: it must not call others late.
import t from 'tap'
import { startInProcess } from './support/in-process.ts'
import { requestOnce } from './support/raw-client.ts'
import { startScripted } from './support/upstream.ts'

t.test('connections that were made in time are used, however late that is noticed', async (t) => {
  const upstream = await startScripted()
  t.teardown(() => upstream.close())
  // Each turn of the event loop takes longer than an upstream has to accept a connection, ticks included.
  const proxy = await startInProcess({
    endpoints: { web: [upstream] },
    flags: ['--connect-timeout-ms', '100', '--retries', '0'],
  })
  t.teardown(() => proxy.close())
  let isOver = false
  const stall = () => {
    if (isOver) return
    const end = performance.now() + 300
    while (performance.now() < end);
    setImmediate(stall)
  }
  const get = 'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'
  const answers = Array.from({ length: 5 }, () => requestOnce(proxy.port, get))
  setImmediate(stall)
  const statuses = (await Promise.all(answers)).map(({ status }) => status)
  isOver = true
  t.same(statuses, [200, 200, 200, 200, 200])
})
