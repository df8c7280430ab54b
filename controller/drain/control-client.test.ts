import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../../shared/clock.ts'
import { ProxyStandIn } from '../test/proxy-stand-in.ts'
import { createProxyControl, type ProxyControl } from './control-client.ts'

/** Names a socket; the path of one holds 107 bytes at most, which t.testdir() exceeds. */
function socketPath(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 's')
}

function serve(t: Test, answer: (socket: Socket) => void): Promise<ProxyControl> {
  const path = socketPath(t)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => answer(socket))
  })
  t.teardown(() => {
    server.close()
  })
  return new Promise((resolve) => {
    server.listen(path, () => resolve(createProxyControl(path)))
  })
}

t.test('asks and tells', async (t) => {
  const proxy = new ProxyStandIn(systemClock, 'required')
  const path = socketPath(t)
  await proxy.listen(path)
  t.teardown(() => proxy.close())
  const control = createProxyControl(path)
  t.strictSame(await control.status(), {
    state: 'serving',
    inFlight: 0,
    proxyProtocol: 'required',
    h2c: false,
  })
  t.equal(await control.drain('SIGTERM', 30), true)
  t.equal(await control.released(), true)
  t.match(
    proxy.told.map(({ request }) => request),
    [{ op: 'status' }, { op: 'drain', reason: 'SIGTERM', boundSeconds: 30 }, { op: 'released' }],
  )
})

const rows = [
  { name: 'refuses', answer: '{"ok":false,"error":"busy"}\n', why: 'an error is no yes' },
  { name: 'answers nonsense', answer: 'HTTP/1.1 400 Bad Request\r\n\n', why: 'not JSON' },
  { name: 'answers without end', answer: 'x'.repeat(10_000), why: 'a line is bounded' },
  { name: 'hangs up', answer: '', why: 'no answer' },
]

for (const { name, answer, why } of rows) {
  t.test(`a proxy that ${name}: ${why}`, async (t) => {
    const control = await serve(t, (socket) => socket.end(answer))
    t.equal(await control.released(), false)
    t.equal(await control.status(), undefined)
  })
}

t.test('a proxy that is not there', async (t) => {
  const control = createProxyControl(socketPath(t))
  t.equal(await control.drain('SIGTERM', 1), false)
})
