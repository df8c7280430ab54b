// Do canary Ingresses take the requests that ingress-nginx would give them, and no others? The real program: per row a host
// with a main Ingress (service `main`) and a canary (service `canary`), unless the row names other ones.
import t from 'tap'
import type { Ingress } from '../shared/kube/objects.ts'
import { type Ask, ask, problemsOf, until } from './support/ask.ts'
import { createManifestFolder, ingressOf, serviceOf } from './support/manifests.ts'
import { startProxyProcess } from './support/proxy-process.ts'
import { fieldsOf } from './support/raw-client.ts'
import { startScripted } from './support/upstream.ts'

type Keys = Readonly<Record<string, string>>
type Outcome = 'main' | 'canary' | number

interface Row {
  readonly canary: Keys
  readonly main?: Keys
  /** The canary's path, when it is another. */
  readonly path?: string
  readonly pathType?: string
  /** Services of the main Ingress and of the canary. */
  readonly services?: readonly [string, string]
  readonly exchanges: readonly (Omit<Ask, 'host'> & {
    readonly by: Outcome
    readonly why: string
  })[]
}

const x = (value: string) => [`X-Canary: ${value}`]
const byHeader = { 'canary-by-header': 'X-Canary' }

const rows: readonly Row[] = [
  {
    canary: byHeader,
    exchanges: [
      { fields: x('always'), by: 'canary', why: 'asked for' },
      { fields: x('never'), by: 'main', why: 'refused' },
      { fields: x('Always'), by: 'main', why: 'values have case; then the weight of 0 counts' },
      { fields: ['x-CANARY: always'], by: 'canary', why: 'names have none' },
      { by: 'main', why: 'without the header' },
      { path: '/below/it', fields: x('always'), by: 'canary', why: 'a prefix has paths below it' },
    ],
  },
  {
    canary: { ...byHeader, 'canary-by-header-value': 'yes', 'canary-by-header-pattern': '^n' },
    exchanges: [
      { fields: x('yes'), by: 'canary', why: 'the value' },
      { fields: x('always'), by: 'main', why: 'with a value always has no meaning' },
      { fields: x('no'), by: 'main', why: 'nor has the pattern' },
    ],
  },
  {
    canary: { ...byHeader, 'canary-by-header-pattern': 'b[0-9]+', 'canary-by-cookie': 'c' },
    exchanges: [
      { fields: x('ab12c'), by: 'canary', why: 'a match anywhere' },
      { fields: x('B12'), by: 'main', why: 'patterns have case' },
      {
        fields: [...x('none'), 'Cookie: c=always'],
        by: 'canary',
        why: 'no match leaves it to the cookie',
      },
    ],
  },
  {
    canary: {
      ...byHeader,
      'canary-by-header-pattern': '[',
      'canary-by-cookie': 'c',
      'canary-weight': '100',
    },
    exchanges: [
      {
        fields: [...x('any'), 'Cookie: c=always'],
        by: 'main',
        why: 'a broken pattern disables the cookie and the weight, too',
      },
      { fields: ['Cookie: c=never'], by: 'main', why: 'without the header the cookie counts' },
      { by: 'canary', why: 'and then the weight' },
    ],
  },
  {
    canary: { ...byHeader, 'canary-by-cookie': 'c', 'canary-weight': '100' },
    exchanges: [
      { fields: [...x('never'), 'Cookie: c=always'], by: 'main', why: 'the header goes first' },
      { fields: [...x('always'), 'Cookie: c=never'], by: 'canary', why: 'the header goes first' },
      { fields: ['Cookie: a=b; c=never'], by: 'main', why: 'the cookie goes before the weight' },
      { fields: ['Cookie: c=maybe'], by: 'canary', why: 'another value leaves it to the weight' },
      { by: 'canary', why: 'the weight' },
    ],
  },
  {
    canary: { 'canary-weight': '100', 'canary-weight-total': '50' },
    exchanges: [{ by: 'canary', why: 'a total below 100 counts as 100' }],
  },
  {
    canary: { 'canary-weight': '300', 'canary-weight-total': '200' },
    exchanges: [{ by: 'canary', why: 'more than all are all' }],
  },
  {
    canary: { 'canary-weight': 'many' },
    exchanges: [{ by: 'main', why: 'what is no number is 0' }],
  },
  {
    canary: {},
    exchanges: [{ by: 'main', why: 'without any rule it gets nothing' }],
  },
  {
    canary: { 'canary-weight': '100' },
    services: ['empty', 'canary'],
    exchanges: [{ by: 503, why: 'a main Service without endpoints is down, canary or not' }],
  },
  {
    canary: { 'canary-weight': '100' },
    services: ['gone', 'canary'],
    exchanges: [{ by: 503, why: 'so is one that does not exist' }],
  },
  {
    canary: { 'canary-weight': '100' },
    services: ['main', 'empty'],
    exchanges: [{ by: 'main', why: 'a canary without endpoints leaves the main one alone' }],
  },
  {
    canary: { ...byHeader },
    services: ['main', 'gone'],
    exchanges: [{ fields: x('always'), by: 'main', why: 'so does one that does not exist' }],
  },
  {
    canary: { 'canary-weight': '100', 'permanent-redirect': 'http://x.test' },
    main: { 'app-root': '/home' },
    exchanges: [
      { path: '/a', by: 'canary', why: 'keys of the canary do not count' },
      { path: '/', by: 302, why: 'those of the main Ingress do' },
    ],
  },
  {
    canary: { 'canary-weight': '100', 'denylist-source-range': 'nonsense' },
    exchanges: [{ by: 'canary', why: 'nor do those of the canary that cannot be read' }],
  },
  {
    canary: { 'canary-weight': '100' },
    main: { 'denylist-source-range': 'nonsense' },
    exchanges: [{ by: 503, why: 'a main route that is closed has nothing to share' }],
  },
  {
    canary: { 'canary-weight': '100' },
    path: '/other',
    exchanges: [
      { by: 'main', why: 'another path is another rule' },
      { path: '/other', by: 'main', why: 'the canary serves none of its own' },
    ],
  },
  {
    canary: { 'canary-weight': '100' },
    pathType: 'Exact',
    exchanges: [{ by: 'main', why: 'another type is another rule' }],
  },
  {
    canary: { 'canary-weight': '100' },
    pathType: 'ImplementationSpecific',
    exchanges: [{ by: 'canary', why: 'ImplementationSpecific is Prefix' }],
  },
]

const prefixed = (keys: Keys) =>
  Object.fromEntries(
    Object.entries(keys).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
  )

/** The canary is the older one: as an ordinary Ingress it would win the path. */
function aged(ingress: Ingress, creationTimestamp: string): Ingress {
  return { ...ingress, metadata: { ...ingress.metadata, creationTimestamp } }
}

function pair(host: string, row: Row): readonly Ingress[] {
  const [main, canary] = row.services ?? ['main', 'canary']
  const { path = '/', pathType = 'Prefix' } = row
  const keys = prefixed({ canary: 'true', ...row.canary })
  return [
    aged(
      ingressOf(`${host}-canary`, [{ host, service: canary, path, pathType }], keys),
      '2024-01-01T00:00:00Z',
    ),
    aged(
      ingressOf(`${host}-main`, [{ host, service: main }], prefixed(row.main ?? {})),
      '2025-01-01T00:00:00Z',
    ),
  ]
}

const hostOf = (index: number) => `c${index}.test`
const affinity = { affinity: 'cookie', 'session-cookie-name': 'aff' }
const forced = { ...byHeader, 'canary-weight': '0' }

const others: readonly Ingress[] = [
  ...pair('half.test', {
    canary: { 'canary-weight': '100', 'canary-weight-total': '200' },
    exchanges: [],
  }),
  ...pair('sticky.test', { canary: forced, main: affinity, exchanges: [] }),
  ...pair('legacy.test', {
    canary: { ...forced, 'affinity-canary-behavior': 'legacy' },
    main: affinity,
    exchanges: [],
  }),
  ingressOf(
    'alone',
    [{ host: 'alone.test', service: 'canary' }],
    prefixed({ canary: 'true', 'canary-weight': '100' }),
  ),
  ingressOf(
    'no-canary',
    [{ host: 'no-canary.test', service: 'main' }],
    prefixed({ 'canary-weight': '20' }),
  ),
]

t.test('canaries take what they should', async (t) => {
  const echo = (name: string) =>
    startScripted({
      onRequest: () => `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`,
    })
  const [main, canary] = [await echo('main'), await echo('canary')]
  const folder = createManifestFolder([
    ...rows.flatMap((row, index) => pair(hostOf(index), row)),
    ...others,
    ...serviceOf('main', [main]),
    ...serviceOf('canary', [canary]),
    ...serviceOf('empty', []),
  ])
  const proxy = await startProxyProcess({ flags: ['--manifests', folder.path] })
  t.teardown(async () => {
    await proxy.stop()
    await Promise.all([main.close(), canary.close()])
    folder.dispose()
  })
  const send = (asked: Ask) => ask(proxy.port, asked)
  const serves = async (asked: Ask): Promise<Outcome> => {
    const { status, body } = await send(asked)
    return body === 'main' || body === 'canary' ? body : status
  }

  for (const [index, { canary, exchanges }] of rows.entries()) {
    for (const { by, why, ...asked } of exchanges) {
      await t.test(`${JSON.stringify(canary)}: ${by}: ${why}`, async (t) => {
        t.equal(await serves({ host: hostOf(index), ...asked }), by)
      })
    }
  }

  await t.test('a weight is a share', async (t) => {
    const counts = { main: 0, canary: 0 }
    for (let count = 0; count < 200; count += 1) {
      const by = await serves({ host: 'half.test' })
      if (typeof by === 'string') counts[by] += 1
    }
    // Six standard deviations.
    t.ok(counts.canary > 57 && counts.canary < 143, JSON.stringify(counts))
    t.equal(counts.main + counts.canary, 200)
  })

  await t.test('a canary alone serves nothing', async (t) => {
    t.equal(await serves({ host: 'alone.test' }), 404)
    t.equal(await serves({ host: 'no-canary.test' }), 'main', 'and keys alone make no canary')
  })

  const cookieOf = async (host: string, fields: readonly string[]) => {
    const response = await send({ host, fields })
    const [cookie] = fieldsOf(response, 'set-cookie')
    return { by: response.body, cookie: cookie?.split(';')[0] }
  }

  await t.test('a cookie of the affinity goes before all rules', async (t) => {
    const host = 'sticky.test'
    const first = await cookieOf(host, x('always'))
    t.equal(first.by, 'canary')
    t.match(first.cookie, /^aff=/)
    const fields = [`Cookie: ${first.cookie}`]
    t.equal(await serves({ host, fields }), 'canary', 'back to the canary, whatever the weight')
    t.equal(await serves({ host, fields: [...fields, ...x('never')] }), 'canary')
    const other = await cookieOf(host, [])
    t.equal(other.by, 'main')
    const ofMain = [`Cookie: ${other.cookie}`]
    t.equal(await serves({ host, fields: [...ofMain, ...x('always')] }), 'main')
  })

  await t.test('legacy: the canary has no affinity', async (t) => {
    const host = 'legacy.test'
    t.same(await cookieOf(host, x('always')), { by: 'canary', cookie: undefined })
    const other = await cookieOf(host, [])
    const fields = [`Cookie: ${other.cookie}`, ...x('always')]
    t.equal(await serves({ host, fields }), 'main', 'a cookie of the main Service holds')
  })

  await t.test('owners are told', async (t) => {
    const problems = await problemsOf(proxy.adminPort)
    const of = (name: string) => problems.filter((problem) => problem.name === name)
    t.match(of('alone'), [{ reason: 'conflict', message: /the canary gets no requests/ }])
    t.match(of('no-canary'), [{ message: /no effect without canary/ }])
    t.match(of(`${hostOf(3)}-canary`), [{ message: /pattern "\[" cannot be used/ }])
    t.match(of(`${hostOf(14)}-canary`), [{ message: /^The value "nonsense" must be .*CIDR\.$/ }])
  })

  await t.test('a canary that goes, and one that comes back', async (t) => {
    const host = 'moving.test'
    const row: Row = { canary: { 'canary-weight': '100' }, exchanges: [] }
    const both = pair(host, row)
    const steps: readonly (readonly [readonly Ingress[], Outcome])[] = [
      [both.slice(1), 'main'],
      [both, 'canary'],
      [both.slice(1), 'main'],
      [both.slice(0, 1), 404],
    ]
    for (const [objects, by] of steps) {
      folder.write('moving.json', objects)
      const isIt = (outcome: Outcome) => outcome === by
      t.equal(await until(`served by ${by}`, () => serves({ host }), isIt), by)
    }
  })
})
