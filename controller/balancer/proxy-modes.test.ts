import { createServer } from 'node:http'
import t from 'tap'
import type { ProxyProtocolMode } from '../../shared/control-socket.ts'
import { ManualClock } from '../../shared/testing/manual-clock.ts'
import { settle } from '../test/settle.ts'
import { createAskProxy } from './ask-proxy.ts'
import { ProxyModes } from './proxy-modes.ts'

/** Proxies that tell what `modes` holds, and notes whom was asked. */
function proxies(modes: Map<string, ProxyProtocolMode>) {
  const clock = new ManualClock()
  const asked: string[] = []
  const look = new ProxyModes({
    clock,
    control: undefined,
    ask: async (address) => {
      asked.push(address)
      const mode = modes.get(address)
      return mode && { proxyProtocol: mode, h2c: false }
    },
  })
  return {
    ...{ clock, asked },
    look: async (addresses: string[]) =>
      (await look.look(addresses)).map(({ proxyProtocol }) => proxyProtocol),
  }
}

t.test('the first look waits for the answers, later ones do not', async (t) => {
  const modes = new Map<string, ProxyProtocolMode>([['a', 'required']])
  const { clock, look } = proxies(modes)
  t.same(await look(['a', 'b']), ['required'])
  modes.set('b', 'off')
  t.same(await look(['a', 'b']), ['required'], 'not every pass asks')
  clock.advance(60_000)
  await look(['a', 'b'])
  t.same(new Set(await look(['a', 'b'])), new Set(['required', 'off']))
})

t.test('a proxy that is gone does not count any more', async (t) => {
  const { look } = proxies(
    new Map([
      ['a', 'off'],
      ['b', 'required'],
    ]),
  )
  await look(['a', 'b'])
  t.same(await look(['b']), ['required'])
})

t.test('a proxy that stops to answer is not known any more', async (t) => {
  const modes = new Map<string, ProxyProtocolMode>([['a', 'off']])
  const { clock, look } = proxies(modes)
  t.same(await look(['a']), ['off'])
  modes.clear()
  clock.advance(60_000)
  await look(['a'])
  t.same(await look(['a']), [])
})

t.test('of hundreds some are asked at a time, until all have told', async (t) => {
  const addresses = Array.from({ length: 20 }, (_, at) => `proxy-${at}`)
  const { clock, asked, look } = proxies(new Map(addresses.map((address) => [address, 'off'])))
  for (let round = 0; round < 3; round += 1) {
    await look(addresses)
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(60_000)
  }
  t.equal(asked.length, 24)
  t.equal(new Set(asked).size, 20)
})

t.test('a proxy that never answers delays the first pass by half a second', async (t) => {
  const clock = new ManualClock()
  const modes = new ProxyModes({ clock, control: undefined, ask: () => new Promise(() => {}) })
  t.same(await settle(clock, modes.look(['a'])), [])
  t.ok(clock.now() <= 1_000)
  t.same(await modes.look(['a']), [])
})

t.test('our own proxy tells over its socket', async (t) => {
  const modes = new ProxyModes({
    clock: new ManualClock(),
    ask: undefined,
    control: {
      status: async () => ({ state: 'serving', inFlight: 0, proxyProtocol: 'optional', h2c: true }),
      hold: async () => true,
      drain: async () => true,
      released: async () => true,
    },
  })
  t.match(await modes.look(['a']), [{ proxyProtocol: 'optional', h2c: true }])
})

const told = '{"state":"serving","inFlight":0,"proxyProtocol":"required"}'
const answers = [
  {
    status: 200,
    body: `${told}\n`,
    expected: { proxyProtocol: 'required', h2c: false },
    why: 'the proxy tells',
  },
  {
    status: 200,
    body: told.replace('}', ',"h2c":true}'),
    expected: { proxyProtocol: 'required', h2c: true },
    why: 'what it allows besides',
  },
  { status: 404, body: told, expected: undefined, why: 'an older proxy has no such page' },
  { status: 200, body: 'ok', expected: undefined, why: 'another program is there' },
  { status: 200, body: '{"ok":true}', expected: undefined, why: 'no status' },
  { status: 200, body: `${told}${' '.repeat(10_000)}`, expected: undefined, why: 'bounded' },
]

for (const { status, body, expected, why } of answers) {
  t.test(`asking a proxy gives ${JSON.stringify(expected)}: ${why}`, async (t) => {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.writeHead(status).end(body)
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    t.teardown(() => {
      server.close()
    })
    const at = server.address()
    const port = typeof at === 'object' && at !== null ? at.port : 0
    t.strictSame(await createAskProxy(port)('127.0.0.1'), expected)
    t.same(seen, ['GET /status'])
  })
}

t.test('asking where nobody listens gives undefined', async (t) => {
  t.equal(await createAskProxy(1)('127.0.0.1'), undefined)
  t.equal(await createAskProxy(1)('::1'), undefined)
})
