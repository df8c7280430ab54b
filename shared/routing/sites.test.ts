// Do Ingresses of one host mean for each other what they mean to ingress-nginx? Several objects at a time, objects to routes.
import fc from 'fast-check'
import t from 'tap'
import type { Ingress } from '../kube/objects.ts'
import { assertProperty } from '../testing/assert-property.ts'
import type { Filter } from './filters/kind.ts'
import { readAnnotations } from './ingress/annotations/read.ts'
import { type Route, serviceOf } from './table.ts'
import { backendOf, emptyCluster, plainOptions, snapshotOf } from './testing/cluster.ts'
import { routesIn } from './testing/table.ts'
import { createTranslator, type TranslateOptions, translate } from './translate.ts'

const nginx = 'nginx.ingress.kubernetes.io/'

interface Sketch {
  readonly name: string
  readonly namespace?: string
  /** Seconds. */
  readonly age?: number
  readonly host?: string
  /** `Prefix /a`; the Service has the name of the Ingress. */
  readonly paths: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly tls?: boolean
}

function ingressOf({ name, namespace = 'n', age = 0, host = 'a.test', ...rest }: Sketch): Ingress {
  return {
    metadata: {
      name,
      namespace,
      creationTimestamp: new Date(1_700_000_000_000 - age * 1000).toISOString(),
      annotations: Object.fromEntries(
        Object.entries(rest.annotations ?? {}).map(([key, value]) => [nginx + key, value]),
      ),
    },
    spec: {
      ingressClassName: 'weir',
      ...(rest.tls === true ? { tls: [{ secretName: 's' }] } : {}),
      rules: [
        {
          host,
          http: {
            paths: rest.paths.map((text) => {
              const [pathType = '', path = ''] = text.split(' ')
              return { pathType, path, backend: backendOf(name) }
            }),
          },
        },
      ],
    },
  }
}

const like: TranslateOptions = {
  ...plainOptions,
  readAnnotations,
  ingressSettings: { like: 'ingress-nginx' },
}
const own: TranslateOptions = { ...plainOptions, readAnnotations }

function shown({ match, filters, backend, ...route }: Route): string {
  const place = `${match.host} ${match.pathType} ${match.path}`
  const what =
    backend.kind === 'forward' ? serviceOf({ match, filters, backend, ...route }) : backend.kind
  return [place, what, ...filters.filter(({ kind }) => kind !== 'common-headers').map(kindOf)].join(
    ' ',
  )
}

function kindOf(filter: Filter): string {
  return 'when' in filter && filter.when === 'insecure' ? 'to-https' : filter.kind
}

function routesOf(sketches: readonly Sketch[], options = like): readonly string[] {
  const ingresses = sketches.map(ingressOf)
  const { table } = translate(snapshotOf({ ...emptyCluster, ingresses }), options)
  return routesIn(table).map(shown).sort()
}

const cases: { why: string; given: readonly Sketch[]; routes: readonly string[] }[] = [
  {
    why: 'one pattern makes patterns of all paths of its host, Exact ones too',
    given: [
      { name: 'plain', age: 9, paths: ['Prefix /', 'Prefix /foo', 'Exact /bar.x'] },
      {
        name: 'regex',
        paths: ['ImplementationSpecific /foo.+'],
        annotations: { 'use-regex': 'true' },
      },
      { name: 'other', host: 'b.test', paths: ['Prefix /', 'Exact /x'] },
    ],
    routes: [
      'a.test Regex / plain',
      'a.test Regex /bar.x plain',
      'a.test Regex /foo plain',
      'a.test Regex /foo.+ regex',
      'b.test Exact /x other',
      'b.test Prefix / other',
    ],
  },
  {
    why: "what a server's snippet refuses is refused at the paths of others, too",
    given: [
      {
        name: 'gate',
        age: 9,
        paths: ['Prefix /'],
        annotations: { 'server-snippet': 'deny all;', 'configuration-snippet': 'allow all;' },
      },
      { name: 'beside', paths: ['Prefix /b'] },
      {
        name: 'own',
        paths: ['Prefix /c'],
        annotations: { 'configuration-snippet': 'allow 10.0.0.0/8; deny all;' },
      },
      { name: 'stranger', namespace: 'm', paths: ['Prefix /d'] },
      { name: 'other', host: 'b.test', paths: ['Prefix /'] },
    ],
    routes: [
      'a.test Prefix / gate access-rules',
      'a.test Prefix /b beside access-rules',
      'a.test Prefix /c own access-rules',
      'a.test Prefix /d stranger access-rules',
      'b.test Prefix / other',
    ],
  },
  {
    why: 'what guards a whole host and cannot be read closes the routes of others on it, too',
    given: [
      {
        name: 'gate',
        age: 9,
        paths: ['Prefix /'],
        annotations: { 'server-snippet': 'if ($http_a) { return 403; }' },
      },
      { name: 'beside', paths: ['Prefix /b'] },
      { name: 'stranger', namespace: 'm', paths: ['Prefix /d'] },
      { name: 'other', host: 'b.test', paths: ['Prefix /'] },
      { name: 'first', host: 'c.test', namespace: 'm', age: 9, paths: ['Prefix /'] },
      {
        name: 'tls',
        host: 'c.test',
        paths: ['Prefix /a'],
        annotations: { 'auth-tls-secret': 'ca' },
      },
      { name: 'more', host: 'c.test', paths: ['Prefix /b'] },
    ],
    routes: [
      'a.test Prefix / closed',
      'a.test Prefix /b closed',
      'a.test Prefix /d closed',
      'b.test Prefix / other',
      'c.test Prefix / first',
      'c.test Prefix /a closed',
      'c.test Prefix /b closed',
    ],
  },
  {
    why: 'an app root takes no path from the rule of another namespace, though from one of its own',
    given: [
      { name: 'owner', namespace: 'm', age: 9, paths: ['Prefix /'] },
      { name: 'thief', paths: ['Prefix /b'], annotations: { 'app-root': '/b' } },
      { name: 'web', host: 'b.test', paths: ['Prefix /'] },
      { name: 'app', host: 'b.test', paths: ['Prefix /b'], annotations: { 'app-root': '/b' } },
    ],
    routes: [
      'a.test Prefix / owner',
      'a.test Prefix /b thief',
      'b.test Exact / answer app-root',
      'b.test Prefix / web',
      'b.test Prefix /b app',
    ],
  },
  {
    why: 'not at those of another namespace that was there first',
    given: [
      { name: 'first', namespace: 'm', age: 9, paths: ['Prefix /'] },
      { name: 'gate', paths: ['Prefix /a'], annotations: { 'server-snippet': 'return 403;' } },
      { name: 'beside', paths: ['Prefix /b'] },
    ],
    routes: [
      'a.test Prefix / first',
      'a.test Prefix /a gate answers',
      'a.test Prefix /b beside answers',
    ],
  },
  {
    why: 'so does a rewrite, though not one to the very path',
    given: [
      { name: 'a', paths: ['Prefix /', 'Prefix /old'], annotations: { 'rewrite-target': '/new' } },
      { name: 'b', host: 'b.test', paths: ['Prefix /', 'Exact /b'] },
      { name: 'c', host: 'c.test', paths: ['Prefix /'], annotations: { 'rewrite-target': '/' } },
    ],
    routes: [
      'a.test Regex / a rewrite',
      'a.test Regex /old a rewrite',
      'b.test Exact /b b',
      'b.test Prefix / b',
      'c.test Prefix / c',
    ],
  },
  {
    why: 'a path and the paths below it both stay',
    given: [
      {
        name: 'a',
        paths: ['Exact /', 'Prefix /', 'Exact /x', 'Prefix /x', 'Prefix /y/'],
        annotations: { 'use-regex': 'false', 'rewrite-target': '/new' },
      },
    ],
    routes: ['/$', '/', '/x', '/x/', '/y/'].map((path) => `a.test Regex ${path} a rewrite`).sort(),
  },
  {
    why: 'a later namespace makes patterns of its own paths only',
    given: [
      { name: 'mine', age: 9, paths: ['Prefix /', 'Exact /login'] },
      {
        name: 'theirs',
        namespace: 'm',
        paths: ['ImplementationSpecific /log.*', 'Exact /theirs'],
        annotations: { 'use-regex': 'true' },
      },
    ],
    routes: [
      'a.test Exact /login mine',
      'a.test Prefix / mine',
      'a.test Regex /log.* theirs',
      'a.test Regex /theirs theirs',
    ],
  },
  {
    why: 'who was there first makes patterns of all paths',
    given: [
      { name: 'mine', age: 9, paths: ['Prefix /'], annotations: { 'use-regex': 'true' } },
      { name: 'theirs', namespace: 'm', paths: ['Exact /theirs'] },
    ],
    routes: ['a.test Regex / mine', 'a.test Regex /theirs theirs'],
  },
  {
    why: 'TLS of one Ingress is that of its host; paths without a rule are sent to https, too',
    given: [
      { name: 'tls', age: 9, paths: ['Prefix /tls'], tls: true },
      { name: 'plain', paths: ['Prefix /plain', 'Prefix /.well-known/acme-challenge/t'] },
      { name: 'no', paths: ['Prefix /no'], annotations: { 'ssl-redirect': 'false' } },
      { name: 'other', host: 'b.test', paths: ['Prefix /'] },
    ],
    routes: [
      'a.test Prefix / answer to-https',
      'a.test Prefix /.well-known/acme-challenge/t plain',
      'a.test Prefix /no no',
      'a.test Prefix /plain plain to-https',
      'a.test Prefix /tls tls to-https',
      'b.test Prefix / other',
    ],
  },
  {
    why: 'what no rule serves has the annotations of the oldest Ingress of the host',
    given: [
      {
        name: 'old',
        age: 9,
        paths: ['Prefix /a'],
        annotations: { 'denylist-source-range': '10.0.0.0/8' },
      },
      { name: 'new', paths: ['Prefix /b'], annotations: { 'permanent-redirect': 'http://b.test' } },
    ],
    routes: [
      'a.test Prefix / answer access',
      'a.test Prefix /a old access',
      'a.test Prefix /b new redirect',
    ],
  },
  {
    why: 'a path that ends with a slash redirects to it, unless the one without it is somebody’s',
    given: [
      { name: 'a', paths: ['Prefix /a/', 'Exact /b/', 'Exact /c/', 'Prefix /c', 'Prefix /'] },
      { name: 'f', host: 'f.test', paths: ['Exact /f/', 'Prefix /'] },
      { name: 'g', host: 'f.test', paths: ['Prefix /f'] },
      {
        name: 'd',
        host: 'd.test',
        paths: ['Prefix /d/', 'Prefix /'],
        annotations: { 'use-regex': 'true' },
      },
      { name: 'e', host: 'd.test', paths: ['Exact /e/'] },
    ],
    routes: [
      'a.test Exact /a answer redirect',
      'a.test Exact /b answer redirect',
      'a.test Exact /b/ a',
      'a.test Exact /c/ a',
      'a.test Prefix / a',
      'a.test Prefix /a a',
      'a.test Prefix /c a',
      'd.test Regex / d',
      'd.test Regex /d/ d',
      'd.test Regex /e/ e',
      'f.test Exact /f/ f',
      'f.test Prefix / f',
      'f.test Prefix /f g',
    ],
  },
  {
    why: 'of two of the same age the later name wins',
    given: [
      { name: 'a', paths: ['Prefix /'] },
      { name: 'b', paths: ['Prefix /'] },
    ],
    routes: ['a.test Prefix / b'],
  },
]

for (const { why, given, routes } of cases) {
  t.test(why, async (t) => {
    t.same(routesOf(given), routes)
    t.same(routesOf(given.toReversed()), routes, 'whatever the order of the objects')
  })
}

t.test(
  'what no rule serves goes to --default-backend, behind the filters of its host',
  async (t) => {
    const ingresses = [ingressOf({ name: 'a', paths: ['Prefix /a'], tls: true })]
    const defaultBackend = { namespace: 'n', service: 'rest', port: 80 }
    const { table } = translate(snapshotOf({ ...emptyCluster, ingresses }), {
      ...like,
      defaultBackend,
    })
    t.same(routesIn(table).map(shown).sort(), [
      'a.test Prefix / rest to-https',
      'a.test Prefix /a a to-https',
    ])
  },
)

t.test('without --like Ingresses mean nothing for each other', async (t) => {
  const routes = routesOf(
    [
      { name: 'plain', age: 9, paths: ['Exact /bar'] },
      { name: 'regex', paths: ['Prefix /foo.+'], annotations: { 'use-regex': 'true' }, tls: true },
      { name: 'old', age: 9, host: 'b.test', paths: ['Prefix /'] },
      { name: 'a', host: 'b.test', paths: ['Prefix /'] },
    ],
    own,
  )
  t.same(routes, ['a.test Exact /bar plain', 'a.test Regex /foo.+ regex', 'b.test Prefix / old'])
})

const spares: typeof cases = [
  {
    why: 'an alias has all routes of the host, those of other Ingresses too',
    given: [
      { name: 'a', paths: ['Prefix /a'] },
      {
        name: 'b',
        paths: ['Exact /b'],
        annotations: { 'server-alias': 'b.test, *.c.test,a.test' },
      },
    ],
    routes: ['*.c.test', 'a.test', 'b.test'].flatMap((host) => [
      `${host} Exact /b b`,
      `${host} Prefix /a a`,
    ]),
  },
  {
    why: 'a host with rules is nobody’s alias; the older of two aliases counts',
    given: [
      { name: 'a', paths: ['Prefix /'], annotations: { 'server-alias': 'b.test c.test' } },
      { name: 'b', host: 'b.test', paths: ['Prefix /b'] },
      {
        name: 'd',
        age: 9,
        host: 'd.test',
        paths: ['Prefix /'],
        annotations: { 'server-alias': 'c.test' },
      },
    ],
    routes: ['a.test Prefix / a', 'b.test Prefix /b b', 'c.test Prefix / d', 'd.test Prefix / d'],
  },
  {
    why: 'the name with or without www redirects, unless it has rules',
    given: [
      { name: 'a', paths: ['Prefix /'], annotations: { 'from-to-www-redirect': 'true' } },
      {
        name: 'b',
        host: 'www.b.test',
        paths: ['Prefix /'],
        annotations: { 'from-to-www-redirect': 'true' },
      },
      {
        name: 'c',
        host: 'c.test',
        paths: ['Prefix /'],
        annotations: { 'from-to-www-redirect': 'true' },
      },
      { name: 'd', host: 'www.c.test', paths: ['Prefix /'] },
    ],
    routes: [
      'a.test Prefix / a',
      'b.test Prefix / answer redirect',
      'c.test Prefix / c',
      'www.a.test Prefix / answer redirect',
      'www.b.test Prefix / b',
      'www.c.test Prefix / d',
    ],
  },
  {
    why: 'an app root counts where no rule covers the root',
    given: [
      { name: 'a', paths: ['Prefix /app'], annotations: { 'app-root': '/app' } },
      { name: 'b', host: 'b.test', paths: ['Prefix /'], annotations: { 'app-root': '/app' } },
    ],
    routes: [
      'a.test Exact / answer app-root',
      'a.test Prefix /app a',
      'b.test Prefix / b app-root',
    ],
  },
]

for (const { why, given, routes } of spares) {
  t.test(why, async (t) => {
    t.same(routesOf(given, own), routes)
  })
}

t.test('who asks for a host that has rules of another Ingress is told', async (t) => {
  const ingresses = [
    ingressOf({ name: 'a', paths: ['Prefix /'], annotations: { 'server-alias': 'b.test ~^x' } }),
    ingressOf({ name: 'b', host: 'b.test', paths: ['Prefix /'] }),
  ]
  const { problems } = translate(snapshotOf({ ...emptyCluster, ingresses }), own)
  t.match(problems, [
    { reason: 'invalid-annotation', name: 'a', message: /"~\^x" has/ },
    { reason: 'conflict', name: 'a', field: /server-alias/, message: /b\.test has rules .* n\/b/ },
  ])
})

const annotation = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  {},
  { 'use-regex': 'true' },
  { 'rewrite-target': '/a' },
  { 'server-alias': 'b.test c.test' },
  { 'server-alias': 'a.test' },
  { 'from-to-www-redirect': 'true' },
  { 'app-root': '/a' },
  { 'ssl-redirect': 'false' },
)
const sketch: fc.Arbitrary<Sketch> = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  namespace: fc.constantFrom('m', 'n'),
  age: fc.integer({ min: 0, max: 2 }),
  host: fc.constantFrom('a.test', 'b.test', 'www.a.test'),
  paths: fc.subarray(['Prefix /', 'Prefix /a', 'Exact /a', 'Exact /'], { minLength: 1 }),
  annotations: annotation,
  tls: fc.boolean(),
})

t.test('hosts that mean each other come out the same after any history', async (t) => {
  assertProperty(
    t,
    fc.property(
      fc.array(fc.tuple(sketch, fc.boolean()), { minLength: 1, maxLength: 12 }),
      (history) => {
        const translator = createTranslator(like)
        let ingresses: readonly Ingress[] = []
        for (const [next, isKept] of history) {
          const { name, namespace } = next
          const others = ingresses.filter(
            ({ metadata }) => metadata?.name !== name || metadata.namespace !== namespace,
          )
          ingresses = isKept ? [...others, ingressOf(next)] : others
          const snapshot = snapshotOf({ ...emptyCluster, ingresses })
          const [after, fresh] = [translator.translate(snapshot), translate(snapshot, like)]
          t.strictSame(routesIn(after.table), routesIn(fresh.table))
          t.strictSame(after.problems, fresh.problems)
        }
      },
    ),
    { numRuns: 200 },
  )
})
