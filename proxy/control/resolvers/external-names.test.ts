import t from 'tap'
import type { Log } from '../../../shared/log.ts'
import { diffTables } from '../../../shared/routing/delta.ts'
import type { RouteTable, Upstream } from '../../../shared/routing/table.ts'
import { tableWith, upstreamsIn } from '../../../shared/routing/testing/table.ts'
import { eventually } from '../../../shared/testing/eventually.ts'
import { ManualClock } from '../../../shared/testing/manual-clock.ts'
import { createExternalNames, type ResolvedAddress } from './external-names.ts'
import { resolveName } from './resolve-name.ts'

type Answer = readonly ResolvedAddress[] | Error

/** External names over a DNS whose answers the test sets; each question is counted. */
function world(answers: Record<string, Answer> = {}) {
  const clock = new ManualClock()
  const asked: string[] = []
  const lines: string[] = []
  let changes = 0
  const write = (_: object, message: string) => void lines.push(message)
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log }
  const names = createExternalNames({
    clock,
    log,
    resolve: async (host) => {
      asked.push(host)
      const answer = answers[host] ?? new Error('ENOTFOUND')
      if (answer instanceof Error) throw answer
      return answer
    },
    onChange: () => {
      changes += 1
    },
  })
  return {
    answers,
    asked,
    lines,
    names,
    changes: () => changes,
    /** Moves the clock and lets the answers of fired questions arrive. */
    async advance(seconds: number) {
      clock.advance(seconds * 1000)
      await settle()
    },
  }
}

const ignore = () => undefined
const silentLog: Log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLog,
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

const ip = (address: string, ttlSeconds = 30): ResolvedAddress => ({ address, ttlSeconds })

const plain: Upstream = { key: 'shop/web:80', endpoints: [{ address: '10.0.0.1', port: 80 }] }

function external(host: string, port = 443, key = `shop/${host}:${port}`): Upstream {
  return { key, endpoints: [], externalName: { host, port } }
}

function tableOf(...upstreams: Upstream[]): RouteTable {
  return tableWith([], upstreams)
}

function addressesIn(table: RouteTable, key?: string): string[] | undefined {
  const found = upstreamsIn(table).find((upstream) => key === undefined || upstream.key === key)
  return found?.endpoints.map(({ address, port }) => `${address} ${port}`)
}

t.test('a table without external names is given back as it is', async (t) => {
  const { names, asked } = world()
  const table = tableOf(plain)
  t.equal(names.complete(table), table)
  t.same(asked, [])
})

t.test('addresses fill the endpoints as soon as they are known, sorted, once each', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.9'), ip('10.0.0.10'), ip('10.0.0.9'), ip('fd00::1')] })
  const table = tableOf(plain, external('a.test', 8443))
  const before = w.names.complete(table)
  t.same(addressesIn(before, 'shop/a.test:8443'), [], 'nothing is known yet: 503')
  await settle()
  t.equal(w.changes(), 1)
  const after = w.names.complete(table)
  t.same(addressesIn(after, 'shop/a.test:8443'), [
    '10.0.0.10 8443',
    '10.0.0.9 8443',
    'fd00::1 8443',
  ])
  t.ok(upstreamsIn(after).includes(plain), 'other upstreams are left alone')
  t.same([...(diffTables(before, after, 2)?.upstreams.keys() ?? [])], ['shop/a.test:8443'])
})

t.test('a host of a URL gets the name that it must prove, and no address of a link', async (t) => {
  const all = [ip('169.254.169.254'), ip('fe80::1'), ip('fd00:ec2::254'), ip('10.0.0.1')]
  const w = world({ 'a.test': all })
  const key = 'https://a.test:443'
  const named = { host: 'a.test', port: 443 }
  const url: Upstream = { key, endpoints: [], externalName: { ...named, scheme: 'https' } }
  const plainUrl: Upstream = {
    key: 'http://a.test:443',
    endpoints: [],
    externalName: { ...named, scheme: 'http' },
  }
  const table = tableOf(url, plainUrl, external('a.test'))
  w.names.complete(table)
  await settle()
  const after = w.names.complete(table)
  const find = (wanted: string) => upstreamsIn(after).find((each) => each.key === wanted)?.endpoints
  t.same(find(key), [{ address: '10.0.0.1', port: 443, serverName: 'a.test' }])
  t.same(find(plainUrl.key), [{ address: '10.0.0.1', port: 443 }])
  t.equal(find('shop/a.test:443')?.length, 4, 'an ExternalName is the word of the operator')
})

t.test('one host behind several upstreams is asked for once', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.1')] })
  const table = tableOf(external('a.test', 80), external('a.test', 443))
  w.names.complete(table)
  await settle()
  t.same(w.asked, ['a.test'])
  t.same(addressesIn(w.names.complete(table), 'shop/a.test:443'), ['10.0.0.1 443'])
})

const ttls = [
  { ttl: [30], at: 24, why: '80 % of the TTL' },
  { ttl: [30, 10], at: 8, why: 'the shortest TTL counts' },
  { ttl: [0], at: 4, why: 'at least 5 s, whatever DNS says' },
  { ttl: [86_400], at: 240, why: 'at most 300 s, so that a move is seen' },
]
for (const { ttl, at, why } of ttls) {
  t.test(`TTL ${ttl}: asked again after ${at} s: ${why}`, async (t) => {
    const w = world({ 'a.test': ttl.map((seconds, i) => ip(`10.0.0.${i}`, seconds)) })
    w.names.complete(tableOf(external('a.test')))
    await settle()
    await w.advance(at - 0.1)
    t.equal(w.asked.length, 1)
    await w.advance(0.1)
    t.equal(w.asked.length, 2)
    await w.advance(at)
    t.equal(w.asked.length, 3, 'and again and again')
  })
}

t.test('the same addresses in another order are no change', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.1'), ip('10.0.0.2')] })
  const table = tableOf(external('a.test'))
  w.names.complete(table)
  await settle()
  const before = w.names.complete(table)
  w.answers['a.test'] = [ip('10.0.0.2'), ip('10.0.0.1')]
  await w.advance(24)
  t.equal(w.asked.length, 2)
  t.equal(w.changes(), 1)
  const after = w.names.complete(table)
  t.equal(upstreamsIn(after)[0], upstreamsIn(before)[0])
  t.equal(diffTables(before, after, 2), undefined)
})

t.test('a new address is a change', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.1')] })
  const table = tableOf(external('a.test'))
  w.names.complete(table)
  await settle()
  w.answers['a.test'] = [ip('10.0.0.2')]
  await w.advance(24)
  t.equal(w.changes(), 2)
  t.same(addressesIn(w.names.complete(table)), ['10.0.0.2 443'])
})

const failures: { name: string; answer: Answer }[] = [
  { name: 'an error', answer: new Error('ESERVFAIL') },
  { name: 'an empty answer', answer: [] },
  { name: 'an answer without any IP address', answer: [ip('b.test')] },
]
for (const { name, answer } of failures) {
  t.test(`${name}: stale addresses serve on, asked with back-off, logged once`, async (t) => {
    const w = world({ 'a.test': [ip('10.0.0.1')] })
    const table = tableOf(external('a.test'))
    w.names.complete(table)
    await settle()
    w.answers['a.test'] = answer
    await w.advance(24)
    for (const [i, seconds] of [5, 10, 20, 40, 60, 60, 60].entries()) {
      await w.advance(seconds - 0.1)
      t.equal(w.asked.length, i + 2, `not before ${seconds} s`)
      await w.advance(0.1)
      t.equal(w.asked.length, i + 3, `after ${seconds} s`)
    }
    t.same(addressesIn(w.names.complete(table)), ['10.0.0.1 443'])
    t.equal(w.changes(), 1)
    t.same(w.lines, ['external name does not answer: keeps its addresses'])

    w.answers['a.test'] = [ip('10.0.0.1')]
    await w.advance(60)
    t.equal(w.changes(), 1, 'the same addresses after a failure are no change')
    t.equal(w.lines.length, 2)
    t.equal(w.lines[1], 'external name answers again')
    const asked = w.asked.length
    await w.advance(24)
    t.equal(w.asked.length, asked + 1, 'the TTL counts again')
  })
}

t.test(
  'a name that the table drops is asked no more, and is unknown when it comes back',
  async (t) => {
    const w = world({ 'a.test': [ip('10.0.0.1')] })
    w.names.complete(tableOf(external('a.test')))
    await settle()
    w.names.complete(tableOf(plain))
    await w.advance(1000)
    t.equal(w.asked.length, 1)
    t.same(addressesIn(w.names.complete(tableOf(external('a.test')))), [])
    await settle()
    t.equal(w.asked.length, 2)
    t.equal(w.changes(), 2)
  },
)

t.test('an answer that comes after its name was dropped changes nothing', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.1')] })
  w.names.complete(tableOf(external('a.test')))
  w.names.complete(tableOf(plain))
  await settle()
  t.equal(w.changes(), 0)
  await w.advance(1000)
  t.equal(w.asked.length, 1)
})

t.test('a name without any address is a problem of each Service until it has one', async (t) => {
  const w = world()
  const table = tableOf(plain, external('a.test', 80), external('a.test', 443, 'blog/a:web'))
  w.names.complete(table)
  t.same(w.names.problems(), [], 'not before it was asked for')
  await settle()
  t.equal(w.changes(), 1, 'the table is completed again, for its problems')
  const wrong = { reason: 'external-name-unresolved', kind: 'Service', field: 'spec.externalName' }
  t.match(w.names.problems(), [
    { ...wrong, namespace: 'blog', name: 'a' },
    { ...wrong, namespace: 'shop', name: 'a.test' },
  ])
  await w.advance(5)
  t.equal(w.changes(), 1, 'said once')
  w.answers['a.test'] = [ip('10.0.0.1')]
  await w.advance(10)
  t.equal(w.changes(), 2)
  w.names.complete(table)
  t.same(w.names.problems(), [])
  w.answers['a.test'] = new Error('ESERVFAIL')
  await w.advance(24)
  t.same(w.names.problems(), [], 'the last addresses serve on')
})

t.test('the problem of a name goes with it', async (t) => {
  const w = world()
  w.names.complete(tableOf(external('a.test')))
  await settle()
  t.equal(w.names.problems().length, 1)
  w.names.complete(tableOf(plain))
  t.same(w.names.problems(), [])
})

t.test('a changed port makes other endpoints of the same addresses', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.1')] })
  w.names.complete(tableOf(external('a.test', 80, 'shop/a:web')))
  await settle()
  const table = w.names.complete(tableOf(external('a.test', 81, 'shop/a:web')))
  t.same(addressesIn(table), ['10.0.0.1 81'])
})

t.test('stopped, nothing is asked and what is known stays', async (t) => {
  const w = world({ 'a.test': [ip('10.0.0.1')] })
  const table = tableOf(external('a.test'))
  w.names.complete(table)
  await settle()
  w.names.stop()
  await w.advance(1000)
  w.names.complete(tableOf(external('a.test'), external('b.test')))
  await settle()
  t.same(w.asked, ['a.test'])
  t.same(addressesIn(w.names.complete(table)), ['10.0.0.1 443'])
})

t.test('localhost never goes to DNS', async (t) => {
  for (const host of ['localhost', 'demo.localhost']) {
    t.match(await resolveName(host), [{ address: /^(127\.|::1$)/, ttlSeconds: 300 }])
  }
})

t.test('the real resolver fits', async (t) => {
  const names = createExternalNames({
    clock: new ManualClock(),
    log: silentLog,
    resolve: resolveName,
    onChange: () => undefined,
  })
  const table = tableOf(external('localhost', 80))
  t.teardown(() => names.stop())
  await eventually('localhost is known', () => addressesIn(names.complete(table))?.length === 1)
})
