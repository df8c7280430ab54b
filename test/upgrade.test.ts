// An upgrade may be asked for by any request (RFC 9110 §7.8), one with a body, too: what then goes upstream, and when does the
// tunnel begin? Over real sockets. Who gets a tunnel at all, and what it does to bytes: tunnel.test.ts.
import t, { type Test } from 'tap'
import { eventually } from '../shared/testing/eventually.ts'
import { startInProcess } from './support/in-process.ts'
import { untilQuiet } from './support/quiet.ts'
import { connectRaw, fieldsOf } from './support/raw-client.ts'
import { switching } from './support/tunnels.ts'
import { okResponse, type Script, startScripted } from './support/upstream.ts'

const handshake = ['Host: a.test', 'Connection: Upgrade', 'Upgrade: websocket']
const head = (line: string, ...fields: readonly string[]) =>
  [line, ...handshake, ...fields, '', ''].join('\r\n')

async function start(t: Test, script: Script, flags: readonly string[] = []) {
  const upstream = await startScripted(script)
  const proxy = await startInProcess({ endpoints: { web: [upstream] }, flags })
  const client = await connectRaw(proxy.port)
  t.teardown(async () => {
    client.close()
    await untilQuiet(proxy)
    await proxy.close()
    await upstream.close()
  })
  return { upstream, proxy, client }
}

const bodies = [
  { fields: [], sent: '', arrives: '', why: 'no body' },
  { fields: ['Content-Length: 0'], sent: '', arrives: '', why: 'an empty one, said so' },
  { fields: ['Content-Length: 5'], sent: 'hello', arrives: 'hello', why: 'a body with a length' },
  {
    fields: ['Transfer-Encoding: chunked'],
    sent: '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    arrives: 'hello',
    why: 'a body in chunks',
  },
  {
    fields: ['Transfer-Encoding: chunked'],
    sent: '0\r\n\r\n',
    arrives: '',
    why: 'an empty one in chunks',
  },
]

for (const { fields, sent, arrives, why } of bodies) {
  t.test(`a WebSocket is opened by a request with ${why}`, async (t) => {
    const { upstream, client } = await start(t, { onRequest: () => `${switching}welcome` })
    client.send(head('GET /chat HTTP/1.1', ...fields))
    // The body, and behind it what the client is in a hurry to say, in pieces.
    for (const byte of sent) client.send(byte)
    client.send('first frame')
    await eventually('both ends have what the other said', () => {
      const text = upstream.connections[0]?.text ?? ''
      return client.text.endsWith('welcome') && text.endsWith('first frame')
    })
    t.ok(client.text.startsWith('HTTP/1.1 101 '))
    const [request] = upstream.requests
    t.same(request && fieldsOf(request, 'upgrade'), ['websocket'])
    t.equal(request?.body, arrives, 'the body ends where the tunnel begins')
    t.equal(upstream.requests.length, 1, 'nothing of the tunnel is read as HTTP')
  })
}

t.test('a client that waits for 100 gets it before the 101', async (t) => {
  const { upstream, client } = await start(t, {
    onHead: (_, side) => side.send('HTTP/1.1 100 Continue\r\n\r\n'),
    onRequest: () => switching,
  })
  client.send(head('GET /chat HTTP/1.1', 'Content-Length: 2', 'Expect: 100-continue'))
  await eventually('the client may go on', () => client.text.includes('100 Continue'))
  t.notMatch(client.text, ' 101 ')
  client.send('hi')
  await eventually('and then gets its tunnel', () => client.text.includes('HTTP/1.1 101 '))
  t.equal(upstream.requests[0]?.body, 'hi')
})

t.test('a 101 before the request is complete is a broken response', async (t) => {
  const { upstream, client, proxy } = await start(t, {
    onHead: (_, side) => side.send(switching),
  })
  const response = await client.request(`${head('GET /chat HTTP/1.1', 'Content-Length: 9')}begin`)
  t.equal(response.status, 502, 'the rest of the body would be taken for the new protocol')
  t.match(response.body, 'upstream-malformed')
  await eventually('the upstream connection is closed', () => {
    return upstream.connections[0]?.ended !== 'open'
  })
  t.equal(proxy.log().at(-1)?.error, 'upstream-malformed')
})

const methods = [
  { method: 'GET', protocol: 'websocket', status: 101, why: 'RFC 6455 §4.1' },
  { method: 'POST', protocol: 'websocket', status: 200, why: 'RFC 6455 §4.1: GET only' },
  { method: 'POST', protocol: 'x/1', status: 101, why: 'RFC 9110 §7.8 names no method' },
  { method: 'OPTIONS', protocol: 'x/1', status: 101, why: 'RFC 9110 §7.8 has this example' },
  { method: 'POST', protocol: 'websocket, x/1', status: 101, why: 'the one that fits' },
]

for (const { method, protocol, status, why } of methods) {
  t.test(`${method} asking for ${protocol} gets ${status}: ${why}`, async (t) => {
    const { client } = await start(
      t,
      {
        onRequest: (request) => {
          const [asked] = fieldsOf(request, 'upgrade')
          return asked === undefined ? okResponse : switching.replace('websocket', asked)
        },
      },
      ['--upgrade-protocols', 'websocket,x/1'],
    )
    const request = head(`${method} / HTTP/1.1`).replace('websocket', protocol)
    t.equal((await client.request(request)).status, status)
  })
}
