// Do clients that never finish their handshake keep out those that do? A flood of half-open handshakes beside normal traffic: bounded in
// number and time, and the oldest gives way.
import t, { type Test } from 'tap'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { until } from '../support/ask.ts'
import { firstFlight, halfHello, halfOpen, halfOpenKinds } from '../support/half-open.ts'
import { type InProcess, startInProcess } from '../support/in-process.ts'
import { askTls, tlsEntries } from '../support/tls.ts'
import { startEcho } from '../support/upstream.ts'

const bound = 100
const flood = 500

async function start(t: Test, clock?: ManualClock) {
  const echo = await startEcho('web')
  const proxy = await startInProcess({
    flags: ['--listen-tls', '127.0.0.1:0', '--tls-max-handshakes', String(bound)],
    endpoints: { web: [{ address: '127.0.0.1', port: echo.port }] },
    certificates: { 'a.test': ['default/a'] },
    ...(clock && { clock }),
  })
  proxy.plane.setCertificate('default/a', tlsEntries('a-ecdsa'))
  t.teardown(async () => {
    await proxy.close()
    await echo.close()
  })
  return proxy
}

const failures = (proxy: InProcess, reason: string) =>
  proxy.counter('weir_tls_handshake_failures_total', { reason })

t.test('a flood of half-open handshakes keeps nobody out, wherever they stop', async (t) => {
  for (const [kind, bytes] of await halfOpenKinds()) {
    const proxy = await start(t)
    const sockets = []
    const answers: string[] = []
    for (let at = 0; at < flood; at += 1) {
      sockets.push(halfOpen(proxy.tlsPort, bytes))
      if (at % 50 !== 0) continue
      const { text, error } = await askTls(proxy.tlsPort, { servername: 'a.test' })
      answers.push(text.slice(0, 15) + (error ?? ''))
    }
    const served = `${kind}: all ${answers.length} are served`
    t.strictSame([...new Set(answers)], ['HTTP/1.1 200 OK'], served)
    const cut = async () => failures(proxy, 'crowded-out')
    const count = await until('the rest gave way', cut, (count) => count >= flood - bound)
    t.ok(count <= flood + answers.length - bound, `no more than had to: ${count} of ${flood}`)
    for (const socket of sockets) socket.destroy()
    const gone = async () => failures(proxy, 'client-closed')
    await until('the others went by themselves', gone, (found) => found + count >= flood)
  }
})

t.test('a handshake has its time, wherever it stops', async (t) => {
  const clock = new ManualClock()
  const proxy = await start(t, clock)
  const whole = await firstFlight()
  const stops = [Buffer.alloc(0), halfHello, whole.subarray(0, 100), whole]
  const sockets = stops.map((bytes) => halfOpen(proxy.tlsPort, bytes))
  const closed = Promise.all(
    sockets.map((socket) => new Promise<void>((resolve) => socket.on('close', () => resolve()))),
  )
  for (const socket of sockets) socket.resume()
  // What was sent is there before time goes on.
  await new Promise((resolve) => setTimeout(resolve, 100))
  clock.advance(9_900)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(failures(proxy, 'timeout'), 0, 'not before --tls-handshake-timeout-ms')
  clock.advance(400)
  await closed
  t.equal(failures(proxy, 'timeout'), stops.length)
})

t.test('garbage gets an alert, once', async (t) => {
  const proxy = await start(t)
  const rows: readonly (readonly [bytes: Buffer, why: string])[] = [
    [Buffer.from('16030100050100000100', 'hex'), 'a ClientHello that ends at once'],
    [Buffer.from('1603010004020000ff', 'hex'), 'another handshake message'],
    [Buffer.from('00000000000000000000', 'hex'), 'no TLS and no HTTP'],
    [Buffer.from('1503010002020a', 'hex'), 'an alert'],
  ]
  for (const [bytes, why] of rows) {
    const before = failures(proxy, 'malformed') + failures(proxy, 'client-alert')
    const answer = await new Promise<Buffer>((resolve) => {
      const parts: Buffer[] = []
      const socket = halfOpen(proxy.tlsPort, bytes)
      socket.on('data', (part: Buffer) => parts.push(part))
      socket.on('close', () => resolve(Buffer.concat(parts)))
      socket.end()
    })
    t.ok(answer.length === 0 || answer[0] === 21, `${why}: ${answer.toString('hex')}`)
    const counted = async () => failures(proxy, 'malformed') + failures(proxy, 'client-alert')
    await until(why, counted, (count) => count === before + 1)
  }
  const { text } = await askTls(proxy.tlsPort, { servername: 'a.test' })
  t.match(text, /^HTTP\/1\.1 200 /, 'the port serves on')
})
