// Do the `weir.dev/match-` keys send requests where they say? The real program: per row a host with two Ingresses at one path,
// one with the keys (service `special`), one without (service `plain`).
import t from 'tap'
import { type Ask, ask, problemsOf, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { startScripted, type Upstream } from './support/upstream.ts'

type Served = 'special' | 'plain'

interface Row {
  readonly keys: Readonly<Record<string, string>>
  readonly exchanges: readonly (Omit<Ask, 'host'> & {
    readonly by: Served
    readonly why: string
  })[]
}

const client = (address: string) => [`X-Forwarded-For: ${address}`]

const rows: readonly Row[] = [
  {
    keys: { 'match-method': 'PUT, DELETE' },
    exchanges: [
      { method: 'PUT', body: 'x', by: 'special', why: 'one of the methods' },
      { method: 'GET', by: 'plain', why: 'another method' },
    ],
  },
  {
    keys: { 'match-method': '!GET, HEAD' },
    exchanges: [
      { method: 'DELETE', by: 'special', why: 'none of the methods' },
      { method: 'GET', by: 'plain', why: 'one of them' },
    ],
  },
  {
    keys: { 'match-header': 'X-Canary: always' },
    exchanges: [
      { fields: ['x-canary: always'], by: 'special', why: 'names have no case' },
      { fields: ['X-Canary: Always'], by: 'plain', why: 'values have' },
      { by: 'plain', why: 'no such header' },
    ],
  },
  {
    keys: { 'match-header': 'User-Agent: ~(Firefox|Chrome)/1[0-9]{2}\n!X-Test' },
    exchanges: [
      { fields: ['User-Agent: X Chrome/120.0'], by: 'special', why: 'a match in the middle' },
      { fields: ['User-Agent: X Chrome/99.0'], by: 'plain', why: 'no match' },
      {
        fields: ['User-Agent: X Chrome/120.0', 'X-Test: 1'],
        by: 'plain',
        why: 'what must be absent is there',
      },
    ],
  },
  {
    keys: { 'match-query': 'version=v 2' },
    exchanges: [
      { path: '/?a=1&version=v+2', by: 'special', why: 'a decoded value' },
      { path: '/?version=v%202&version=v1', by: 'special', why: 'the first of two' },
      { path: '/?version=v1&version=v+2', by: 'plain', why: 'not the second' },
      { path: '/', by: 'plain', why: 'no query' },
    ],
  },
  {
    keys: { 'match-cookie': 'beta=~^(1|true)$' },
    exchanges: [
      { fields: ['Cookie: a=b; beta=true'], by: 'special', why: 'the cookie' },
      { fields: ['Cookie: beta=truely'], by: 'plain', why: 'another value' },
      { fields: ['Cookie: xbeta=true'], by: 'plain', why: 'another cookie' },
    ],
  },
  {
    keys: { 'match-source': '10.0.0.0/8, 2001:db8::/32' },
    exchanges: [
      { fields: client('10.1.2.3'), by: 'special', why: 'the client behind the load balancer' },
      { fields: client('2001:db8::1'), by: 'special', why: 'the other network' },
      { fields: client('11.1.2.3'), by: 'plain', why: 'another client' },
      {
        fields: client('10.1.2.3'),
        from: '127.0.0.2',
        by: 'plain',
        why: 'a stranger cannot say who it is',
      },
    ],
  },
  {
    keys: { 'match-time': '2020-01-01T00:00Z/' },
    exchanges: [{ by: 'special', why: 'it is time' }],
  },
  {
    keys: { 'match-time': '/2020-01-01T00:00Z' },
    exchanges: [{ by: 'plain', why: 'it is over' }],
  },
  {
    keys: { 'match-share': '100%' },
    exchanges: [{ by: 'special', why: 'all requests' }],
  },
  {
    keys: { 'match-share': '0%' },
    exchanges: [{ by: 'plain', why: 'none' }],
  },
  {
    keys: { 'match-method': 'GET', 'match-header': 'X-A: 1', 'match-query': '!debug' },
    exchanges: [
      { fields: ['X-A: 1'], by: 'special', why: 'all keys hold' },
      { fields: ['X-A: 1'], path: '/?debug', by: 'plain', why: 'one does not' },
      { fields: ['X-A: 1'], method: 'POST', body: '', by: 'plain', why: 'nor does another' },
    ],
  },
]

const prefixed = (keys: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(keys).map(([key, value]) => [`weir.dev/${key}`, value]))

function startService(name: string): Promise<Upstream> {
  return startScripted({
    onRequest: ({ method }) =>
      `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${method === 'HEAD' ? '' : name}`,
  })
}

const ingresses = [
  ...rows.flatMap(({ keys }, index) => [
    ingressOf(
      `m${index}-special`,
      [{ host: `m${index}.test`, service: 'special' }],
      prefixed(keys),
    ),
    ingressOf(`m${index}-plain`, [{ host: `m${index}.test`, service: 'plain' }]),
  ]),
  // The next shorter path.
  ingressOf('steps-1', [{ host: 'steps.test', path: '/a/b', service: 'special' }], {
    'weir.dev/match-header': 'X-A: 1',
  }),
  ingressOf('steps-2', [{ host: 'steps.test', path: '/', service: 'plain' }], {
    'weir.dev/match-method': 'GET',
  }),
  // Several shares.
  ingressOf('half-1', [{ host: 'half.test', service: 'special' }], {
    'weir.dev/match-share': '0-50%',
  }),
  ingressOf('half-2', [{ host: 'half.test', service: 'plain' }], {
    'weir.dev/match-share': '50-100%',
  }),
  // What cannot be read.
  ingressOf('bad-alone', [{ host: 'alone.test', path: '/x', service: 'special' }], {
    'weir.dev/match-source': '10.0.0.0/99',
  }),
  ingressOf('bad-below', [{ host: 'alone.test', service: 'plain' }]),
  ingressOf('bad-beside', [{ host: 'beside.test', service: 'special' }], {
    'weir.dev/match-header': 'X-A: ~(',
  }),
  ingressOf('good-beside', [{ host: 'beside.test', service: 'plain' }]),
  ingressOf('bad-list', [{ host: 'list.test', service: 'special' }], {
    'weir.dev/match-header': 'X-A: 1',
    'weir.dev/allow-source-ranges': 'nonsense',
  }),
  ingressOf('good-list', [{ host: 'list.test', service: 'plain' }]),
]

t.test('requests go where conditions send them', async (t) => {
  const services = await Promise.all(['special', 'plain'].map(startService))
  const [special, plain] = services
  if (special === undefined || plain === undefined) throw new Error('not started')
  const folder = createManifestFolder([
    ...ingresses,
    ...serviceOf('special', [special]),
    ...serviceOf('plain', [plain]),
  ])
  const trusted = ['--trusted-proxies', '127.0.0.1/32']
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path, ...trusted] })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all(services.map((service) => service.close()))
    folder.dispose()
  })
  const serves = async (asked: Ask) => {
    const { status, body } = await ask(proxy.port, asked)
    return status === 200 ? body : status
  }

  for (const [index, { keys, exchanges }] of rows.entries()) {
    for (const { by, why, ...asked } of exchanges) {
      await t.test(`${JSON.stringify(keys)}: ${by} serves: ${why}`, async (t) => {
        t.equal(await serves({ host: `m${index}.test`, ...asked }), by)
      })
    }
  }

  const others = [
    {
      asked: { host: 'steps.test', path: '/a/b/c', fields: ['X-A: 1'] },
      gives: 'special',
      why: 'the longest path whose conditions hold',
    },
    { asked: { host: 'steps.test', path: '/a/b/c' }, gives: 'plain', why: 'the next shorter path' },
    {
      asked: { host: 'steps.test', path: '/a/b/c', method: 'DELETE' },
      gives: 404,
      why: 'no condition holds',
    },
    {
      asked: { host: 'alone.test', path: '/x/y' },
      gives: 503,
      why: 'a condition that cannot be read may protect: its path is closed',
    },
    { asked: { host: 'alone.test', path: '/y' }, gives: 'plain', why: 'and no other path' },
    {
      asked: { host: 'beside.test' },
      gives: 'plain',
      why: 'and nothing that another Ingress serves at the same path',
    },
    {
      asked: { host: 'list.test', fields: ['X-A: 1'] },
      gives: 503,
      why: 'closed for the requests that it means',
    },
    { asked: { host: 'list.test' }, gives: 'plain', why: 'and for no others' },
  ]
  for (const { asked, gives, why } of others) {
    await t.test(`${JSON.stringify(asked)} gives ${gives}: ${why}`, async (t) => {
      t.equal(await serves(asked), gives)
    })
  }

  await t.test('shares that lie beside each other take all requests, each its part', async (t) => {
    const counts: Record<string, number> = {}
    for (let n = 0; n < 200; n += 1) {
      const served = String(await serves({ host: 'half.test' }))
      counts[served] = (counts[served] ?? 0) + 1
    }
    t.equal((counts.special ?? 0) + (counts.plain ?? 0), 200)
    // Fair draws are outside of this once in 10^8 runs.
    t.ok(Math.abs((counts.special ?? 0) - 100) < 41, JSON.stringify(counts))
  })

  await t.test('only what cannot be read is reported', async (t) => {
    const names = (await problemsOf(proxy.adminPort)).map(({ name }) => name)
    t.same(new Set(names), new Set(['bad-alone', 'bad-beside', 'bad-list']))
  })

  await t.test('conditions follow a change', async (t) => {
    const changed = { 'weir.dev/match-header': 'X-Canary: never' }
    folder.write('objects.json', [
      ...ingresses.map((ingress) =>
        ingress.metadata?.name === 'm2-special'
          ? ingressOf('m2-special', [{ host: 'm2.test', service: 'special' }], changed)
          : ingress,
      ),
      ...serviceOf('special', [special]),
      ...serviceOf('plain', [plain]),
    ])
    const asked = { host: 'm2.test', fields: ['X-Canary: never'] }
    await until(
      'the new condition',
      () => serves(asked),
      (served) => served === 'special',
    )
    t.equal(await serves({ host: 'm2.test', fields: ['X-Canary: always'] }), 'plain')
  })
})
